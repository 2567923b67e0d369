"""A web application that shows what the framework is for: live chat, parallel fetching, live
numbers."""
