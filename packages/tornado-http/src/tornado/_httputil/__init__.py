"""The vocabulary of HTTP: headers, start lines, cookies, forms, requests."""
