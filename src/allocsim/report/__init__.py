"""Results become pages, workbooks, pictures and words in two languages."""
