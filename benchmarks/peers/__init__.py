"""What APIQL is measured against: the same endpoints as a BFF author writes them by hand."""
