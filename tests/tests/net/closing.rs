//! What ends with what: sockets with their context, the thread with its runtime, programs when nobody
//! can be called any more.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use calog::ContextRef;
use calog::plugin_api::{Code, Value};
use calog_tests::{Calog, Folder, LANGUAGES, SAFETY_NET, World, field};

use crate::stage::{ALONE, HERE, WORKERS, careful, dial, every_pair, in_lua, options, peer_listener, read_all};

#[test]
fn a_context_that_closes_takes_its_sockets_with_it() {
    every_pair(|a, b| {
        let (connection, mut peer) = b.meet(Value::Nil);
        let listener = b.get("listen", &[ALONE.into(), 0.into(), Value::Nil]);
        let port = field(&b.get("address", std::slice::from_ref(&listener)), "port");
        let udp = b.get("udp", &[HERE.into(), 0.into(), Value::Nil]);
        b.get("on_data", &[connection.clone(), "b".into()]);
        b.get("send", &[connection.clone(), "the last words".into()]);
        let waiting = [("accept", &listener), ("recv_from", &udp)]
            .map(|(name, socket)| a.waits(name, std::slice::from_ref(socket)));
        assert!(a.scene.world.runtime.close_context(&b.context), "{}", a.scene.what);
        for asked in waiting {
            assert_eq!(a.answer(&asked).expect_err("it is closed").code(), Code::Closed, "{}", a.scene.what);
        }
        assert_eq!(read_all(&mut peer), b"the last words", "{}", a.scene.what);
        // The port is free again.
        a.get("listen", &[ALONE.into(), port, Value::Nil]);
        for (name, args) in
            [("send", vec![connection, "x".into()]), ("accept", vec![listener]), ("recv_from", vec![udp])]
        {
            assert_eq!(a.fails(name, &args).0, Code::Closed, "{}: {name}", a.scene.what);
        }
    });
}

#[test]
fn a_connection_that_is_being_made_goes_with_its_context() {
    in_lua(|a| {
        let (_listener, port) = a.listen(options([("backlog", 1.into())]));
        let path = "b.lua";
        let b = a.scene.world.open(path, WORKERS.script(&LANGUAGES[0]));
        // More than the backlog takes, so some are never answered.
        let args = [HERE.into(), port.into(), Value::Nil];
        let asked: Vec<_> = (0..8).map(|_| a.scene.world.ask(&b, "connect", &args)).collect();
        a.turn();
        assert!(a.scene.world.runtime.close_context(&b));
        for asked in asked {
            if let Err(error) = a.scene.world.answer(&asked) {
                assert!(matches!(error.code(), Code::Dead | Code::Closed), "{error:?}");
            }
        }
    });
}

/// More than the system's own buffers hold.
const MUCH: usize = 24 << 20;

/// A world that gives what was sent this long to go out.
fn flushing(ms: i64) -> World {
    let flush = Value::map([("flush_ms", ms)]).expect("a map");
    World::with(|builder| builder.bundle_config("net", flush))
}

/// A connection of this context that has sent much, which its peer has not read.
fn sent_much(world: &World, context: &ContextRef) -> (Value, TcpStream) {
    let (listener, port) = peer_listener();
    let wish = [HERE.into(), port.into(), options([("send_limit", (2 * MUCH as i64).into())])];
    let connection = world.try_call(context, "connect", &wish).expect("a connection");
    let peer = careful(listener.accept().expect("it connects").0);
    assert_eq!(world.try_call(context, "send", &[connection.clone(), "x".repeat(MUCH).into()]), Ok(Value::Nil));
    (connection, peer)
}

#[test]
fn what_was_sent_arrives_though_the_connection_or_the_runtime_is_closed_at_once() {
    for language in &LANGUAGES {
        let world = flushing(60_000);
        let context = world.open(&format!("a.{}", language.extension), WORKERS.script(language));
        let ((one, mut peer), (_two, mut other)) = (sent_much(&world, &context), sent_much(&world, &context));
        assert_eq!(world.try_call(&context, "close", &[one]), Ok(Value::Nil));
        assert_eq!(read_all(&mut peer).len(), MUCH, "{}", language.name);
        let reader = thread::spawn(move || read_all(&mut other).len());
        assert_eq!(world.runtime.close(SAFETY_NET).lost, []);
        assert_eq!(reader.join().expect("it reads"), MUCH, "{}", language.name);
    }
}

#[test]
fn a_peer_that_never_reads_holds_nothing_up_for_long() {
    let world = flushing(50);
    let context = world.open("a.lua", WORKERS.script(&LANGUAGES[0]));
    let (_connection, _peer) = sent_much(&world, &context);
    let start = Instant::now();
    assert_eq!(world.runtime.close(SAFETY_NET).lost, []);
    assert!(start.elapsed() < SAFETY_NET / 2, "it gives up after 50 ms");
}

#[test]
fn what_nobody_holds_closes() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        let (listener, port) = a.listen(Value::Nil);
        // Somebody waits: it stays.
        let waiting = a.waits("recv", &[connection.clone(), Value::Nil]);
        drop((connection, listener));
        a.get("collect", &[]);
        a.turn();
        peer.write_all(b"still there").expect("it is open");
        assert_eq!(crate::stage::text(a.answer(&waiting)), "still there");
        drop(waiting);
        a.get("collect", &[]);
        assert_eq!(read_all(&mut peer), b"");
        // Refused: the listener is gone.
        a.scene.world.wait_until("the listener's end", || TcpStream::connect((HERE, port)).is_err());
    });
}

#[test]
fn a_connection_with_a_callback_stays_though_nobody_holds_it() {
    in_lua(|a| {
        let (connection, mut peer) = a.meet(Value::Nil);
        a.get("on_data", &[connection.clone(), "d".into()]);
        drop(connection);
        a.get("collect", &[]);
        a.turn();
        crate::stage::write(&mut peer, "hello");
        a.hear("d hello");
    });
}

/// A program that ends by itself, in each language.
fn ends(programs: [(&str, &str); 4]) {
    for (name, text) in programs {
        let folder = Folder::with([(name, text)]);
        Calog::new(["run", name]).within(folder.path()).run().printed("done\n");
    }
}

#[test]
fn an_open_listener_alone_keeps_no_program_alive() {
    ends([
        ("main.lua", "l = net.listen('127.0.0.1', 0) u = net.udp('127.0.0.1', 0) print('done')"),
        ("main.js", "globalThis.l = await net.listen('127.0.0.1', 0); console.log('done')"),
        ("main.nut", "::l <- net.listen(\"127.0.0.1\", 0); print(\"done\\n\")"),
        ("main.bas", "l = net.listen(\"127.0.0.1\", 0)\nPRINT \"done\";\n"),
    ]);
}

/// A program that listens with a callback, tells its port, and closes its listener at the first
/// connection, whose bytes go to callbacks until its end.
const CALLED_BACK: [(&str, &str); 4] = [
    (
        "main.lua",
        "local l = net.listen('127.0.0.1', 0)
        l.on_connection(function(c)
            l.close()
            c.on_data(function(data)
                print('got ' .. data)
                if data == 'boom' then error('it went off', 0) end
                c.send('thanks')
            end)
            c.on_close(function() print('closed') end)
        end)
        print(l.address().port)",
    ),
    (
        "main.js",
        "const l = await net.listen('127.0.0.1', 0);
        l.on_connection(c => {
            l.close();
            c.on_data(async bytes => {
                const data = new TextDecoder().decode(bytes);
                console.log(`got ${data}`);
                if (data === 'boom') throw new Error('it went off');
                await c.send('thanks');
            });
            c.on_close(() => console.log('closed'));
        });
        console.log(l.address().port)",
    ),
    (
        "main.nut",
        "local l = net.listen(\"127.0.0.1\", 0)
        l.on_connection(function(c) {
            l.close()
            c.on_data(function(data) {
                print(\"got \" + data + \"\\n\")
                if (data == \"boom\") throw \"it went off\"
                c.send(\"thanks\")
            })
            c.on_close(function(reason) { print(\"closed\\n\") })
        })
        print(l.address().port + \"\\n\")",
    ),
    (
        "main.bas",
        "l = net.listen(\"127.0.0.1\", 0)
        DEF came(c, data)
            PRINT \"got \", data;
            IF data = \"boom\" THEN RAISE(\"it went off\")
            c.send(\"thanks\")
        ENDDEF
        DEF over()
            PRINT \"closed\";
        ENDDEF
        DEF connected(c)
            l.close()
            c.on_data(LAMBDA (data) (came(c, data)))
            c.on_close(LAMBDA (reason) (over()))
        ENDDEF
        l.on_connection(connected)
        where = l.address()
        PRINT where(\"port\");
        ",
    ),
];

#[test]
fn a_program_lives_as_long_as_it_can_be_called_back_and_its_errors_are_reported() {
    for (name, text) in CALLED_BACK {
        let folder = Folder::with([(name, text)]);
        let mut program = Calog::new(["run", name]).within(folder.path()).start();
        let port: u16 = program.next_line().trim().parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut peer = dial(port);
        for word in ["hello", "boom", "again"] {
            crate::stage::write(&mut peer, word);
            if word != "boom" {
                assert_eq!(crate::stage::read(&mut peer, 6), "thanks", "{name}");
            } else {
                program.wait_for_line("got boom");
            }
        }
        drop(peer);
        let ran = program.end();
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        assert!(ran.out.ends_with("got hello\ngot boom\ngot again\nclosed\n"), "{name}: {}", ran.out);
        ran.said(&["ERROR", "the function given to connection.on_data failed", "it went off", name]);
    }
}

#[test]
fn a_wrong_setting_is_named() {
    let folder = Folder::with([("main.lua", "print('never')"), ("calog.toml", CALOG_TOML)]);
    let ran = Calog::new(["run", "."]).within(folder.path()).run();
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    ran.said(&[
        "provider 'net' failed during validate: ",
        "calog.toml:4:1: 'flush_ms' is -1, wanted an integer from 0 to 60000",
    ]);
}

const CALOG_TOML: &str = "[[context]]\nscript = \"main.lua\"\n[natives.net]\nflush_ms = -1\n";

#[test]
fn a_program_that_exits_at_once_has_sent_what_it_sent() {
    let (listener, port) = peer_listener();
    let text =
        format!("local c = net.connect('127.0.0.1', {port}) c.send(('x'):rep(1000000) .. '\\nend\\n') calog.exit(3)");
    let folder = Folder::with([("main.lua", text.as_str())]);
    let program = Calog::new(["run", "main.lua"]).within(folder.path()).start();
    let peer = careful(listener.accept().expect("it connects").0);
    let lines: Vec<String> = BufReader::new(peer).lines().map(|line| line.expect("text")).collect();
    assert_eq!((lines[0].len(), lines[1].as_str(), lines.len()), (1_000_000, "end", 2));
    assert_eq!(program.end().code, Some(3));
}
