"""Tables of scores from files, as other reader-study tools write them."""
