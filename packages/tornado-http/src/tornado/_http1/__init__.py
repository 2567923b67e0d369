"""The HTTP/1.1 engine: grammar, reader, writer, connections and their deadlines (RFC 9112)."""
