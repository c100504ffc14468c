// A DEALER named "node" that sends one request of three frames, prints the answer and ends.
const zmq = require("zeromq");

async function main(endpoint) {
  const socket = new zmq.Dealer({ routingId: "node", linger: 0 });
  socket.connect(endpoint);
  await socket.send(["", "hello", Buffer.alloc(300, 0x2a)]);
  const answer = await socket.receive();
  console.log(answer.map((frame) => frame.toString("hex")).join(" "));
  socket.close();
}

main(process.argv[2]);
