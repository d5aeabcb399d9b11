#!/bin/bash
# Refuses to start on a storage folder that cannot be written.
storage=${PHOTOPRISM_STORAGE_PATH:-/photoprism/storage}
mkdir -p "$storage" && touch "$storage/is-writable" 2>/dev/null && rm "$storage/is-writable" && exit 0
echo "Failed creating test file in storage folder, see https://docs.photoprism.app/getting-started/troubleshooting/docker/#file-permissions" >&2
exit 1
