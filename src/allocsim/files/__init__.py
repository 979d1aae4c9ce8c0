"""The only room that touches the disk: scenarios and tables in, run folders out."""
