#!/bin/sh
# Starts the server, unless the data folder cannot be written: since 4.1 the image does not change owners.
umask "$UMASK"
if [ "${1:-}" = version ]; then exec ./openlist version; fi
if [ -d ./data ] && { [ ! -w ./data ] || [ ! -x ./data ]; }; then
  echo "Error: Current user does not have write and/or execute permissions for the ./data directory: $(pwd)/data"
  echo "错误：当前用户没有 ./data 目录（$(pwd)/data）的写和/或执行权限。"
  echo "Exiting..."
  exit 1
fi
exec ./openlist server --no-prefix
