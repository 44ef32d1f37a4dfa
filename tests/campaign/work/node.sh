# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: node
# node: JSON, files, compression and hashes on its threads, a worker, a child, a server on a unix socket, an exception.
# threads: alive at exit
cat >program.js <<'END'
const { Worker, isMainThread, parentPort } = require('worker_threads');
const fs = require('fs'), zlib = require('zlib'), crypto = require('crypto'), net = require('net');
const child = require('child_process');
if (!isMainThread) {
	parentPort.postMessage(Array.from({ length: 100000 }, (_, i) => i * 3).reduce((a, b) => a + b, 0));
} else {
	const data = Array.from({ length: 50000 }, (_, i) => ({ i, text: 'text ' + i, list: [i, i + 1] }));
	const text = JSON.stringify(data);
	fs.writeFileSync('data.json', text);
	console.log(JSON.parse(fs.readFileSync('data.json')).length);
	console.log(crypto.createHash('sha256').update(text).digest('hex'));
	(async () => {
		const packed = await Promise.all([1, 5, 9].map(level => new Promise((done, fail) =>
			zlib.deflate(text, { level }, (error, out) => error ? fail(error) : done(out.length)))));
		console.log(packed);
		console.log(await new Promise(done => new Worker('./program.js').on('message', done)));
		console.log(child.execSync('echo from a child; exit 0').toString().trim());
		console.log(child.spawnSync('sh', ['-c', 'exit 3']).status);
		const key = await new Promise(done =>
			crypto.pbkdf2('secret', 'salt', 20000, 32, 'sha256', (error, out) => done(out)));
		console.log(key.toString('hex'));
		const server = net.createServer(socket => socket.pipe(socket)).listen('socket', () => {
			const client = net.connect('socket', () => client.write('over a socket'));
			client.on('data', d => { console.log(d.toString()); client.end(); server.close(); });
		});
		server.on('close', () => {
			try { null.x; } catch (error) { console.log(error.message); }
			process.exitCode = 7;
		});
	})();
}
END
node program.js
echo "status $?"
