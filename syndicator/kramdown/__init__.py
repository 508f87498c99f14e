"""kramdown's dialect as rules for markdown-it, one small module for each part of the language.

The rules accept what kramdown accepts (https://kramdown.gettalong.org/syntax.html), with the
changes of its GFM parser. Rulers, tokens and the renderer are markdown-it's. A block is one token
that holds its children.
"""
