// A statement through tedious, with the options of sqlcmd that a client uses. The server is $VDIFAULT_TDS, encryption
// $TDS_ENCRYPTION (off, request, require, strict). With --rpc the statement is prepared and called with the value 7 for
// @a; with --cancel=MS it is cancelled after that time; with --leave=NUMBER the process ends at the message with that
// number, and its connection without a word.
'use strict';
const { Connection, Request, TYPES } = require('tedious');

const [server, port] = process.env.VDIFAULT_TDS.split(':');
const encryption = process.env.TDS_ENCRYPTION || 'request';
const query = process.argv[process.argv.indexOf('-Q') + 1];
const cancel = process.argv.find((argument) => argument.startsWith('--cancel='));
const leave = process.argv.find((argument) => argument.startsWith('--leave='));
const rpc = process.argv.includes('--rpc');

const connection = new Connection({
    server,
    authentication: { type: 'default', options: { userName: 'sa', password: 'secret' } },
    options: {
        port: Number(port),
        encrypt: encryption === 'strict' ? 'strict' : encryption === 'require',
        trustServerCertificate: true,
        requestTimeout: 0,
    },
});

function say(message) {
    console.log(`Msg ${message.number}, Level ${message.class}: ${message.message}`);
    if (leave && message.number === Number(leave.split('=')[1])) {
        process.exit(1);
    }
}
connection.on('infoMessage', say);
connection.on('errorMessage', say);
connection.on('error', (error) => console.log(`connection: ${error.message}`));

function done(error) {
    if (error) {
        console.log(`failed: ${error.code} ${error.message}`);
        process.exitCode = 1;
    }
    connection.close();
}

connection.on('connect', (error) => {
    if (error) {
        done(error);
        return;
    }
    const request = new Request(query, done);
    request.on('row', (columns) => console.log(columns.map((column) => column.value).join('|')));
    if (rpc) {
        request.addParameter('a', TYPES.Int);
        request.on('prepared', () => connection.execute(request, { a: 7 }));
        connection.prepare(request);
    } else {
        connection.execSqlBatch(request);
    }
    if (cancel) {
        setTimeout(() => connection.cancel(), Number(cancel.split('=')[1]));
    }
});
connection.connect();
