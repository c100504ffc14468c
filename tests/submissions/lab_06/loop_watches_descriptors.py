"""An event loop that looks at the sockets' file descriptors, which tell of changes alone."""

import asyncio

import zmq


def broker(ctx, frontend, backend, lost):
    loop = asyncio.new_event_loop()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        end = loop.create_future()

        def carry():
            if workers.events & zmq.POLLIN:
                client, *reply = workers.recv_multipart()
                try:
                    clients.send_multipart([client, *reply], zmq.DONTWAIT)
                except zmq.ContextTerminated:
                    raise
                except zmq.ZMQError as error:
                    lost(client, reply, "full" if error.errno == zmq.EAGAIN else "gone")
            if clients.events & zmq.POLLIN:
                workers.send_multipart(clients.recv_multipart())
            return (clients.events | workers.events) & zmq.POLLIN

        def look():
            try:
                while carry():
                    pass
            except zmq.ZMQError as error:
                if not end.done():
                    end.set_exception(error)

        for socket in (clients, workers):
            loop.add_reader(socket.fd, look)
        loop.call_soon(look)
        try:
            loop.run_until_complete(end)
        finally:
            loop.close()
