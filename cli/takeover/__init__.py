"""`./photos adopt --database … --storage …`: a set-up of PhotoPrism that was put together by hand is taken over."""
