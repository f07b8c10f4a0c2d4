"""APIQL texts: parse makes a syntax tree, lower makes a plan of it."""
