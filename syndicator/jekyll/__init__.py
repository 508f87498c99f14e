"""What a document means: a Jekyll site's rules, from front matter to a rendered entry. Values in, values out."""
