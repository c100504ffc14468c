// A Majordomo broker (7/MDP with 8/MMI): node broker.mjs ENDPOINT [INTERVAL in ms]
import { Router } from "zeromq"

const [endpoint, interval = 200] = process.argv.slice(2)
const CLIENT = "MDPC01", WORKER = "MDPW01"
const READY = 1, REQUEST = 2, REPLY = 3, HEARTBEAT = 4, DISCONNECT = 5
const EMPTY = Buffer.alloc(0)

const router = new Router({ linger: 0 })
await router.bind(endpoint)

const workers = new Map() // address in hex -> { address, service, heard, request }
const queues = new Map() // service in hex -> { idle: [key], waiting: [request] }
const outgoing = []

const key = (frame) => frame.toString("hex")
const queue = (service) => {
  if (!queues.has(key(service))) queues.set(key(service), { idle: [], waiting: [] })
  return queues.get(key(service))
}
const put = (...frames) => outgoing.push(frames)
const tell = (address, command, ...rest) =>
  put(address, EMPTY, WORKER, Buffer.from([command]), ...rest)
const answer = (client, service, body) => put(client, EMPTY, CLIENT, service, ...body)

function give(service) {
  const { idle, waiting } = queue(service)
  while (idle.length && waiting.length) {
    const worker = workers.get(idle.shift())
    worker.request = waiting.shift()
    tell(worker.address, REQUEST, worker.request.client, EMPTY, ...worker.request.body)
  }
}

function forget(name) {
  const worker = workers.get(name)
  const own = queue(worker.service)
  workers.delete(name)
  own.idle = own.idle.filter((other) => other !== name)
  if (worker.request) own.waiting.unshift(worker.request)
  give(worker.service)
}

function sendAway(address) {
  if (workers.has(key(address))) forget(key(address))
  tell(address, DISCONNECT)
}

function asked(client, service, body) {
  const name = service.toString("latin1")
  if (!name.startsWith("mmi.")) {
    queue(service).waiting.push({ client, body })
    give(service)
  } else if (name !== "mmi.service") {
    answer(client, service, ["501"])
  } else {
    const served = [...workers.values()].some((worker) => worker.service.equals(body[0]))
    answer(client, service, [served ? "200" : "404"])
  }
}

function command(address, code, rest) {
  const name = key(address), worker = workers.get(name)
  if (code === READY && rest.length === 1) {
    if (worker || rest[0].toString("latin1").startsWith("mmi.")) return sendAway(address)
    workers.set(name, { address, service: rest[0], heard: Date.now(), request: null })
    queue(rest[0]).idle.push(name)
    give(rest[0])
  } else if (code === REPLY && rest.length > 2 && !rest[1].length) {
    if (!worker?.request?.client.equals(rest[0])) return sendAway(address)
    worker.heard = Date.now()
    answer(rest[0], worker.service, rest.slice(2))
    worker.request = null
    queue(worker.service).idle.push(name)
    give(worker.service)
  } else if (code === HEARTBEAT && !rest.length) {
    if (worker) worker.heard = Date.now()
    else tell(address, DISCONNECT)
  } else if (code === DISCONNECT && !rest.length && worker) forget(name)
}

function message([address, empty, header, ...rest]) {
  if (!empty || empty.length || !header) return
  const dialect = header.toString("latin1")
  if (dialect === CLIENT && rest.length > 1) asked(address, rest[0], rest.slice(1))
  if (dialect === WORKER && rest[0]?.length === 1) command(address, rest[0][0], rest.slice(1))
}

let sending = false
async function flush() {
  if (sending) return
  sending = true
  while (outgoing.length) await router.send(outgoing.shift())
  sending = false
}

setInterval(() => {
  for (const [name, worker] of workers)
    if (Date.now() - worker.heard > 5 * interval) forget(name)
  for (const worker of workers.values()) tell(worker.address, HEARTBEAT)
  flush()
}, interval)

for await (const frames of router) {
  message(frames)
  await flush()
}
