// A Majordomo worker (7/MDP) that echoes: node worker.mjs ENDPOINT SERVICE [INTERVAL in ms]
import { Dealer } from "zeromq"

const [endpoint, service, interval = 200] = process.argv.slice(2)
const EMPTY = Buffer.alloc(0), HEADER = "MDPW01"
const code = (number) => Buffer.from([number])

async function converse() {
  const broker = new Dealer({ linger: 0 })
  broker.connect(endpoint)
  let heard = Date.now(), sends = Promise.resolve()
  const say = (...frames) => (sends = sends.then(() => broker.send([EMPTY, HEADER, ...frames])))
  await say(code(1), service)
  const beats = setInterval(() => {
    if (Date.now() - heard > 5 * interval) broker.close()
    else say(code(4)).catch(() => {})
  }, interval)
  try {
    for await (const [empty, header, command, ...rest] of broker) {
      if (empty.length || header?.toString("latin1") !== HEADER || command?.length !== 1) continue
      heard = Date.now()
      if (command[0] === 2 && rest.length > 2 && !rest[1].length) await say(code(3), ...rest)
      if (command[0] === 5) break
    }
  } finally {
    clearInterval(beats)
    if (!broker.closed) broker.close()
  }
}

for (;;) await converse().catch(() => {})
