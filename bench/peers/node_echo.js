// An echo server as Node.js users write it. node node_echo.js PORT
'use strict';
const net = require('net');

const port = Number(process.argv[2]);
const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ host: '127.0.0.1', port, backlog: 4096 }, () => console.log(`ready Node.js ${process.version}`));
