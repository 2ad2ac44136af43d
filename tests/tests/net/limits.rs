//! Bounds: of lines, of descriptors; and many conversations at once.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::thread;

use calog::plugin_api::{Code, Value};
use calog_tests::{Calog, Folder, LANGUAGES, Scene, command};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::stage::{WORKERS, Worker, dial, every_language, options, text, write};

#[test]
fn a_line_may_be_so_long_and_what_came_stays() {
    every_language(|a| {
        let (connection, mut peer) = a.welcome(options([("line_limit", 5.into()), ("receive_limit", 2.into())]));
        write(&mut peer, "12345\r\n123456\n");
        let one = std::slice::from_ref(&connection);
        assert_eq!(text(a.call("recv_line", one)), "12345", "{}", a.scene.what);
        let (code, said) = a.fails("recv_line", one);
        assert_eq!(code, Code::Limit, "{}", a.scene.what);
        assert!(said.ends_with("the line is longer than 5 bytes"), "{said}");
        assert_eq!(text(a.call("recv_exact", &[connection.clone(), 7.into()])), "123456\n", "{}", a.scene.what);
    });
}

/// A server that shows its port and echoes, each connection in a task of its own.
const SERVER: &str = "
    local l = net.listen('127.0.0.1', 0)
    print(l.address().port)
    while true do
        local c = l.accept()
        task.spawn(function()
            while true do
                local data = c.recv()
                if not data then break end
                c.send(data)
            end
            c.close()
        end)
    end";

/// How many descriptors the server has, and how many clients come at once.
const DESCRIPTORS: usize = 40;
const CLIENTS: usize = 80;

#[test]
fn accepting_pauses_when_descriptors_run_out_and_goes_on_when_there_are_some() {
    let folder = Folder::with([("server.lua", SERVER)]);
    // What it complains of comes among what it prints.
    let start = format!("ulimit -n {DESCRIPTORS}; exec '{}' run server.lua 2>&1", command().display());
    let mut program = Calog::at(Path::new("sh"), ["-c", &start]).within(folder.path()).start();
    let port: u16 = program.next_line().trim().parse().expect("a port");
    // All at once: more than it can accept. The rest wait in its backlog.
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| dial(port)).collect();
    while !program.next_line().contains("accepting pauses: Too many open files") {}
    // Each that leaves makes room, without which the later ones would never be served.
    for (n, mut client) in clients.into_iter().enumerate() {
        write(&mut client, &format!("{n:03}"));
        assert_eq!(crate::stage::read(&mut client, 3), format!("{n:03}"));
    }
}

/// So many conversations at once with a server in one context, each of some rounds; every answer must
/// be what was said, in that conversation and that round.
fn converse(a: &Worker<'_>, conversations: usize, rounds: usize) {
    let (listener, port) = a.listen(Value::Nil);
    let serving = a.waits("serve", std::slice::from_ref(&listener));
    let threads = 4;
    let talk = move |first: usize| {
        let mine: Vec<usize> = (first..conversations).step_by(threads).collect();
        let mut peers: Vec<TcpStream> = mine.iter().map(|_| dial(port)).collect();
        let said = |n: usize, round: usize| format!("<{n}:{round}>").repeat(1 + (n + round) % 9);
        for round in 0..rounds {
            for (n, peer) in mine.iter().zip(&mut peers) {
                peer.write_all(said(*n, round).as_bytes()).expect("it goes");
            }
            for (n, peer) in mine.iter().zip(&mut peers) {
                let wanted = said(*n, round);
                assert_eq!(crate::stage::read(peer, wanted.len()), wanted);
            }
        }
        // All were open until here.
        peers
    };
    let talkers: Vec<_> = (0..threads).map(|first| thread::spawn(move || talk(first))).collect();
    let peers: Vec<TcpStream> = talkers.into_iter().flat_map(|talker| talker.join().expect("it talks")).collect();
    assert_eq!(peers.len(), conversations);
    for mut peer in peers {
        crate::stage::finish(&peer);
        assert_eq!(crate::stage::read_all(&mut peer), b"", "nothing more came");
    }
    a.get("close", &[listener]);
    assert_eq!(a.answer(&serving), Ok((conversations as i64).into()), "{}", a.scene.what);
}

#[test]
fn one_context_serves_a_thousand_conversations_at_once() {
    // Both ends of each are in this process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most.min(4096), most).expect("as many as are allowed");
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let context = WORKERS.player(&scene, "a", language, None);
        let conversations = if language.name == "lua" { 1000 } else { 200 };
        converse(&Worker { scene: &scene, context }, conversations, 5);
        assert_eq!(scene.world.errors(), []);
    }
}
