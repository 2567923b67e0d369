"""The interface of the HTTP clients: requests, responses, errors, and the classes that fetch."""
