// A Majordomo client (7/MDP): node client.mjs ENDPOINT SERVICE REQUESTS
import { Dealer } from "zeromq"

const [endpoint, service, requests] = process.argv.slice(2)

async function ask(body) {
  const broker = new Dealer({ linger: 0, receiveTimeout: 1000 })
  broker.connect(endpoint)
  try {
    await broker.send(["", "MDPC01", service, body])
    for (;;) {
      const [empty, header, name, ...reply] = await broker.receive()
      const right = !empty.length && header?.toString("latin1") === "MDPC01"
      if (right && name?.toString() === service && reply.length) return reply
    }
  } catch {
    return null
  } finally {
    broker.close()
  }
}

for (let number = 0; number < Number(requests); number++) {
  let reply = null
  for (let tries = 0; tries < 3 && !reply; tries++) reply = await ask(`question ${number}`)
  if (!reply) process.exit(1)
  console.log(reply[0].toString())
}
