"""Websockets on several processes and machines, with Redis between them.

Whatever anyone says in a room is published once and comes to every process, which passes it on to
its own websockets. ``python -m demos.fanout --port=8001 --redis=redis://localhost`` starts one of
the processes; as many as you like may run, on as many machines. ``nginx.conf`` puts them behind one
address.
"""
