// An agent in two processes: this one holds the connection and issues the statement through tedious, a worker serves the
// devices.
//
// usage: node agent.js OPTION... -- WORKER [ARGUMENT...]
//   --server HOST[:PORT]   the server (default 127.0.0.1)
//   --encryption WORD      off, require or strict (default off)
//   --database NAME, --set NAME, --result FILE (which tells the worker how the statement ended)
// WORKER is called with `backup` and then `restore` behind its name, and with the arguments. Exit status 0: both did well.
// With $CLAIM_SUCCESS it is 0 whatever came: a bug.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const { Connection, Request } = require('tedious');

const SUCCESSFULLY_PROCESSED = 3014;
const words = process.argv.slice(2);
const [worker, ...workerArguments] = words.splice(words.indexOf('--')).slice(1);

function option(name, otherwise) {
    const at = words.indexOf(name);
    return at < 0 ? otherwise : words[at + 1];
}

const [server, port] = option('--server', '127.0.0.1').split(':');
const encryption = option('--encryption', 'off');
const result = option('--result');
const numbers = new Set();

function hear(message) {
    numbers.add(message.number);
    console.log(`Msg ${message.number}, Level ${message.class}: ${message.message}`);
}

function connect() {
    const connection = new Connection({
        server,
        authentication: { type: 'default', options: { userName: 'sa', password: 'secret' } },
        options: {
            port: Number(port || 1433),
            encrypt: encryption === 'strict' ? 'strict' : encryption === 'require',
            trustServerCertificate: true,
            requestTimeout: 0,
        },
    });
    connection.on('infoMessage', hear);
    connection.on('errorMessage', hear);
    connection.on('error', (error) => console.log(`connection: ${error.message}`));
    return new Promise((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve(connection)));
    });
}

// Resolves with the error, if any: that a connection is lost ends the statement, too.
function execute(connection, statement) {
    return new Promise((resolve) => {
        const request = new Request(statement, resolve);
        request.on('row', (columns) => console.log(columns.map((column) => column.value).join('|')));
        connection.on('end', () => resolve(new Error('the connection is lost')));
        connection.execSqlBatch(request);
    });
}

function serve(action) {
    fs.rmSync(result, { force: true });
    const child = spawn(worker, [action, ...workerArguments], { stdio: 'inherit' });
    return new Promise((resolve) => {
        child.on('error', () => resolve(false));
        child.on('exit', (status) => resolve(status === 0));
    });
}

// Only a whole file is under its name.
function tellWorker(good) {
    fs.writeFileSync(`${result}.new`, good ? 'success\n' : 'failed\n');
    fs.renameSync(`${result}.new`, result);
}

async function job(connection, action) {
    const name = `[${option('--database')}]`;
    const device = `VIRTUAL_DEVICE = '${option('--set')}'`;
    numbers.clear();
    const served = serve(action);
    const statement = execute(
        connection,
        action === 'backup'
            ? `BACKUP DATABASE ${name} TO ${device} WITH FORMAT`
            : `RESTORE DATABASE ${name} FROM ${device} WITH REPLACE`
    ).then((error) => {
        const good = !error && numbers.has(SUCCESSFULLY_PROCESSED);
        if (!good) {
            console.log(`${action} failed: ${error ? error.message : 'no word of success'}`);
        }
        tellWorker(good);
        return good;
    });
    const done = served.then((good) => {
        if (!good) {
            connection.cancel(); // nobody serves the devices any more
        }
        return good;
    });
    return (await Promise.all([done, statement])).every((good) => good);
}

async function main() {
    const connection = await connect();
    const error = await execute(connection, 'SELECT @@VERSION');
    const good = !error && (await job(connection, 'backup')) && (await job(connection, 'restore'));
    connection.close();
    return good;
}

main().then(
    (good) => process.exit(good || process.env.CLAIM_SUCCESS ? 0 : 1),
    (error) => {
        console.log(`failed: ${error.message}`);
        process.exit(1);
    }
);
