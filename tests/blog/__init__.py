"""The blog's set-up: MariaDB and PhotoPrism of 1Panel's store, with their folders on one drive."""
