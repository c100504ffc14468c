"""The results come in by a socket of a class of its own."""

import time

import zmq


class Sink(zmq.Socket):
    def results(self, seconds):
        while self.poll(max(0, seconds) * 1000):
            yield self.recv_multipart()
            seconds = 0


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    results, sent = {}, {}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL, socket_class=Sink) as sink:
        push.linger = 0
        push.bind(task_endpoint)
        sink.bind(result_endpoint)
        while missing := tasks.keys() - results.keys():
            for task in missing:
                if time.monotonic() - sent.get(task, -patience) >= patience:
                    push.send_multipart([task, tasks[task]])
                    sent[task] = time.monotonic()
            due = min(sent[task] for task in missing) + patience
            for task, result in sink.results(due - time.monotonic()):
                if task in tasks:
                    results[task] = result
    return results
