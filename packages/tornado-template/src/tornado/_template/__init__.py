"""The template engine: lexer, parser, nodes, compiler and loaders."""
