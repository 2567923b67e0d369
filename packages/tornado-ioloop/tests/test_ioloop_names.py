"""The public names of version 6.6, and their parameters in order."""

import importlib
import inspect

import pytest

NAMES = """
autoreload add_reload_hook(fn)
autoreload main()
autoreload start(check_time)
autoreload wait()
autoreload watch(filename)
concurrent chain_future(a, b)
concurrent future_add_done_callback(future, callback)
concurrent future_set_exc_info(future, exc_info)
concurrent future_set_exception_unless_cancelled(future, exc)
concurrent future_set_result_unless_cancelled(future, value)
concurrent is_future(x)
concurrent run_on_executor(*args, **kwargs)
concurrent DummyExecutor
concurrent DummyExecutor.shutdown(wait, cancel_futures)
concurrent DummyExecutor.submit(fn, *args, **kwargs)
concurrent ReturnValueIgnoredError
gen Multi(children, quiet_exceptions)
gen convert_yielded(yielded)
gen coroutine(func)
gen is_coroutine_function(func)
gen maybe_future(x)
gen multi(children, quiet_exceptions)
gen multi_future(children, quiet_exceptions)
gen sleep(duration)
gen with_timeout(timeout, future, quiet_exceptions, message)
gen BadYieldError
gen KeyReuseError
gen LeakedCallbackError
gen Return
gen Return.__init__(value)
gen ReturnValueIgnoredError
gen Runner
gen Runner.__init__(ctx_run, gen, result_future, first_yielded)
gen Runner.handle_exception(typ, value, tb)
gen Runner.handle_yield(yielded)
gen Runner.run()
gen UnknownKeyError
gen WaitIterator
gen WaitIterator.__init__(*args, **kwargs)
gen WaitIterator.done()
gen WaitIterator.next()
ioloop IOLoop
ioloop IOLoop.ERROR
ioloop IOLoop.NONE
ioloop IOLoop.READ
ioloop IOLoop.WRITE
ioloop IOLoop.add_callback(callback, *args, **kwargs)
ioloop IOLoop.add_callback_from_signal(callback, *args, **kwargs)
ioloop IOLoop.add_future(future, callback)
ioloop IOLoop.add_handler(fd, handler, events)
ioloop IOLoop.add_timeout(deadline, callback, *args, **kwargs)
ioloop IOLoop.call_at(when, callback, *args, **kwargs)
ioloop IOLoop.call_later(delay, callback, *args, **kwargs)
ioloop IOLoop.clear_current()
ioloop IOLoop.clear_instance()
ioloop IOLoop.close(all_fds)
ioloop IOLoop.close_fd(fd)
ioloop IOLoop.configurable_base()
ioloop IOLoop.configurable_default()
ioloop IOLoop.configure(impl, **kwargs)
ioloop IOLoop.current(instance)
ioloop IOLoop.initialize(make_current)
ioloop IOLoop.install()
ioloop IOLoop.instance()
ioloop IOLoop.make_current()
ioloop IOLoop.remove_handler(fd)
ioloop IOLoop.remove_timeout(timeout)
ioloop IOLoop.run_in_executor(executor, func, *args)
ioloop IOLoop.run_sync(func, timeout)
ioloop IOLoop.set_default_executor(executor)
ioloop IOLoop.spawn_callback(callback, *args, **kwargs)
ioloop IOLoop.split_fd(fd)
ioloop IOLoop.start()
ioloop IOLoop.stop()
ioloop IOLoop.time()
ioloop IOLoop.update_handler(fd, events)
ioloop PeriodicCallback
ioloop PeriodicCallback.__init__(callback, callback_time, jitter)
ioloop PeriodicCallback.is_running()
ioloop PeriodicCallback.start()
ioloop PeriodicCallback.stop()
iostream BaseIOStream
iostream BaseIOStream.__init__(max_buffer_size, read_chunk_size, max_write_buffer_size)
iostream BaseIOStream.close(exc_info)
iostream BaseIOStream.close_fd()
iostream BaseIOStream.closed()
iostream BaseIOStream.fileno()
iostream BaseIOStream.get_fd_error()
iostream BaseIOStream.read_bytes(num_bytes, partial)
iostream BaseIOStream.read_from_fd(buf)
iostream BaseIOStream.read_into(buf, partial)
iostream BaseIOStream.read_until(delimiter, max_bytes)
iostream BaseIOStream.read_until_close()
iostream BaseIOStream.read_until_regex(regex, max_bytes)
iostream BaseIOStream.reading()
iostream BaseIOStream.set_close_callback(callback)
iostream BaseIOStream.set_nodelay(value)
iostream BaseIOStream.write(data)
iostream BaseIOStream.write_to_fd(data)
iostream BaseIOStream.writing()
iostream IOStream
iostream IOStream.__init__(socket, *args, **kwargs)
iostream IOStream.close_fd()
iostream IOStream.connect(address, server_hostname)
iostream IOStream.fileno()
iostream IOStream.get_fd_error()
iostream IOStream.read_from_fd(buf)
iostream IOStream.set_nodelay(value)
iostream IOStream.start_tls(server_side, ssl_options, server_hostname)
iostream IOStream.write_to_fd(data)
iostream PipeIOStream
iostream PipeIOStream.__init__(fd, *args, **kwargs)
iostream PipeIOStream.close_fd()
iostream PipeIOStream.fileno()
iostream PipeIOStream.read_from_fd(buf)
iostream PipeIOStream.write_to_fd(data)
iostream SSLIOStream
iostream SSLIOStream.__init__(*args, **kwargs)
iostream SSLIOStream.connect(address, server_hostname)
iostream SSLIOStream.read_from_fd(buf)
iostream SSLIOStream.reading()
iostream SSLIOStream.wait_for_handshake()
iostream SSLIOStream.write_to_fd(data)
iostream SSLIOStream.writing()
iostream StreamBufferFullError
iostream StreamClosedError
iostream StreamClosedError.__init__(real_error)
iostream UnsatisfiableReadError
locks BoundedSemaphore
locks BoundedSemaphore.__init__(value)
locks BoundedSemaphore.release()
locks Condition
locks Condition.notify(n)
locks Condition.notify_all()
locks Condition.wait(timeout)
locks Event
locks Event.__init__()
locks Event.clear()
locks Event.is_set()
locks Event.set()
locks Event.wait(timeout)
locks Lock
locks Lock.__init__()
locks Lock.acquire(timeout)
locks Lock.release()
locks Semaphore
locks Semaphore.__init__(value)
locks Semaphore.acquire(timeout)
locks Semaphore.release()
netutil add_accept_handler(sock, callback)
netutil bind_sockets(port, address, family, backlog, flags, reuse_port)
netutil bind_unix_socket(file, mode, backlog)
netutil is_valid_ip(ip)
netutil ssl_options_to_context(ssl_options, server_side)
netutil ssl_wrap_socket(socket, ssl_options, server_hostname, server_side, **kwargs)
netutil BlockingResolver
netutil BlockingResolver.initialize()
netutil DefaultExecutorResolver
netutil DefaultExecutorResolver.resolve(host, port, family)
netutil DefaultLoopResolver
netutil DefaultLoopResolver.resolve(host, port, family)
netutil ExecutorResolver
netutil ExecutorResolver.close()
netutil ExecutorResolver.initialize(executor, close_executor)
netutil ExecutorResolver.resolve(host, port, family)
netutil OverrideResolver
netutil OverrideResolver.close()
netutil OverrideResolver.initialize(resolver, mapping)
netutil OverrideResolver.resolve(host, port, family)
netutil Resolver
netutil Resolver.close()
netutil Resolver.configurable_base()
netutil Resolver.configurable_default()
netutil Resolver.resolve(host, port, family)
netutil ThreadedResolver
netutil ThreadedResolver.initialize(num_threads)
platform.asyncio to_asyncio_future(tornado_future)
platform.asyncio to_tornado_future(asyncio_future)
platform.asyncio AddThreadSelectorEventLoop
platform.asyncio AddThreadSelectorEventLoop.MY_ATTRIBUTES
platform.asyncio AddThreadSelectorEventLoop.__init__(real_loop)
platform.asyncio AddThreadSelectorEventLoop.add_reader(fd, callback, *args)
platform.asyncio AddThreadSelectorEventLoop.add_writer(fd, callback, *args)
platform.asyncio AddThreadSelectorEventLoop.close()
platform.asyncio AddThreadSelectorEventLoop.remove_reader(fd)
platform.asyncio AddThreadSelectorEventLoop.remove_writer(fd)
platform.asyncio AsyncIOLoop
platform.asyncio AsyncIOLoop.close(all_fds)
platform.asyncio AsyncIOMainLoop
platform.asyncio BaseAsyncIOLoop
platform.asyncio BaseAsyncIOLoop.add_callback(callback, *args, **kwargs)
platform.asyncio BaseAsyncIOLoop.add_callback_from_signal(callback, *args, **kwargs)
platform.asyncio BaseAsyncIOLoop.add_handler(fd, handler, events)
platform.asyncio BaseAsyncIOLoop.call_at(when, callback, *args, **kwargs)
platform.asyncio BaseAsyncIOLoop.close(all_fds)
platform.asyncio BaseAsyncIOLoop.remove_handler(fd)
platform.asyncio BaseAsyncIOLoop.remove_timeout(timeout)
platform.asyncio BaseAsyncIOLoop.run_in_executor(executor, func, *args)
platform.asyncio BaseAsyncIOLoop.set_default_executor(executor)
platform.asyncio BaseAsyncIOLoop.start()
platform.asyncio BaseAsyncIOLoop.stop()
platform.asyncio BaseAsyncIOLoop.update_handler(fd, events)
platform.asyncio SelectorThread
platform.asyncio SelectorThread.__init__(real_loop)
platform.asyncio SelectorThread.add_reader(fd, callback, *args)
platform.asyncio SelectorThread.add_writer(fd, callback, *args)
platform.asyncio SelectorThread.close()
platform.asyncio SelectorThread.remove_reader(fd)
platform.asyncio SelectorThread.remove_writer(fd)
process cpu_count()
process fork_processes(num_processes, max_restarts)
process task_id()
process Subprocess
process Subprocess.STREAM
process Subprocess.__init__(*args, **kwargs)
process Subprocess.initialize()
process Subprocess.set_exit_callback(callback)
process Subprocess.uninitialize()
process Subprocess.wait_for_exit(raise_error)
queues LifoQueue
queues PriorityQueue
queues Queue
queues Queue.__init__(maxsize)
queues Queue.empty()
queues Queue.full()
queues Queue.get(timeout)
queues Queue.get_nowait()
queues Queue.join(timeout)
queues Queue.maxsize
queues Queue.put(item, timeout)
queues Queue.put_nowait(item)
queues Queue.qsize()
queues Queue.task_done()
queues QueueEmpty
queues QueueFull
tcpclient TCPClient
tcpclient TCPClient.__init__(resolver)
tcpclient TCPClient.close()
tcpclient TCPClient.connect(host, port, af, ssl_options, max_buffer_size, source_ip, source_port, timeout)
tcpserver TCPServer
tcpserver TCPServer.__init__(ssl_options, max_buffer_size, read_chunk_size)
tcpserver TCPServer.add_socket(socket)
tcpserver TCPServer.add_sockets(sockets)
tcpserver TCPServer.bind(port, address, family, backlog, flags, reuse_port)
tcpserver TCPServer.handle_stream(stream, address)
tcpserver TCPServer.listen(port, address, family, backlog, flags, reuse_port)
tcpserver TCPServer.start(num_processes, max_restarts)
tcpserver TCPServer.stop()
"""


def resolve(module, path):
    found = importlib.import_module(f"tornado.{module}")
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("line", NAMES.strip().splitlines())
def test_a_name_is_there_and_takes_what_it_should(line):
    module, _, signature = line.partition(" ")
    path, has_parameters, rest = signature.partition("(")
    found = resolve(module, path)
    if not has_parameters:
        return
    expected = rest.rstrip(")").split(", ") if rest != ")" else []
    own = [
        str(parameter).partition(":")[0].partition("=")[0].strip()
        for parameter in inspect.signature(found).parameters.values()
    ]
    if own[:1] == ["self"]:
        del own[0]
    # More may follow: what programs of older versions pass.
    assert own[: len(expected)] == expected


DOCUMENTED = """
ioloop IOLoop.initialized
ioloop IOLoop.running
ioloop IOLoop.handle_callback_exception(callback)
ioloop IOLoop.set_blocking_signal_threshold(seconds, action)
ioloop IOLoop.set_blocking_log_threshold(seconds)
ioloop IOLoop.log_stack(signal, frame)
netutil TCPServer.handle_stream(stream, address)
netutil add_accept_handler(sock, callback, io_loop)
gen engine(func)
gen Task(func, *args, **kwargs)
gen Callback(key)
gen Wait(key)
gen WaitAll(keys)
gen Arguments(args, kwargs)
gen YieldPoint.start(runner)
gen YieldPoint.is_ready()
gen YieldPoint.get_result()
stack_context StackContext(context_factory)
stack_context ExceptionStackContext(exception_handler)
stack_context NullContext()
stack_context StackContextInconsistentError
stack_context run_with_stack_context(context, func)
stack_context wrap(fn)
concurrent return_future(f)
concurrent TracebackFuture
concurrent dummy_executor
platform.auto set_close_exec(fd)
process CalledProcessError
"""


@pytest.mark.parametrize("line", DOCUMENTED.strip().splitlines())
def test_a_name_of_older_versions_is_there(line):
    test_a_name_is_there_and_takes_what_it_should(line)
