"""kramdown's dialect as rules for markdown-it: one small module for each part of the language.

What each rule accepts is kramdown's (https://kramdown.gettalong.org/syntax.html), with the changes of its
GFM parser; the engine (rulers, tokens, renderer) is markdown-it's. A block is one token that holds its children.
"""
