//! `examples/kv`.

use std::collections::BTreeSet;
use std::thread;

use nix::sys::signal::Signal;

use crate::peer::{Peer, Server};

const CLIENTS: usize = 8;

#[test]
fn each_command_answers() {
    let server = Server::start("kv");
    let mut peer = server.connect();
    for (line, answer) in [
        ("GET a", "NONE"),
        ("SET a one  two ", "OK"),
        ("GET a", "VALUE one  two"),
        ("SET a three", "OK"),
        ("get a", "VALUE three"),
        ("  Get   a  ", "VALUE three"),
        ("SET empty", "OK"),
        ("GET empty", "VALUE "),
        ("DEL a", "OK"),
        ("DEL a", "NONE"),
        ("GET a", "NONE"),
        ("INCR n", "VALUE 1"),
        ("INCR n 41", "VALUE 42"),
        ("INCR n -2", "VALUE 40"),
        ("GET n", "VALUE 40"),
        ("SET text x1", "OK"),
        ("INCR text", "ERROR 'x1' is no integer of up to 18 bytes"),
        ("GET text", "VALUE x1"),
        ("INCR n x", "ERROR 'x' is no integer of up to 18 bytes"),
        ("INCR n 9999999999999999999", "ERROR '9999999999999999999' is no integer of up to 18 bytes"),
        ("GET n", "VALUE 40"),
        ("SET", "ERROR a key is a word of up to 200 bytes"),
        ("GET two words", "ERROR a key is a word of up to 200 bytes"),
        ("FLUSH x", "ERROR there is no command 'FLUSH': GET, SET, DEL, INCR, KEYS, QUIT"),
        ("", "ERROR a line is a command: GET, SET, DEL, INCR, KEYS or QUIT"),
    ] {
        peer.asks(line, [answer]);
    }
    let long = "k".repeat(201);
    peer.asks(&format!("SET {long} 1"), ["ERROR a key is a word of up to 200 bytes"]);
    peer.asks("KEYS", ["KEYS 3", "empty", "n", "text"]);
    peer.asks("KEYS e", ["KEYS 1", "empty"]);
    peer.asks("KEYS none", ["KEYS 0"]);
    // Many in one go, answered in order.
    peer.send("SET a 1\nINCR a\r\nGET a\nDEL a\nGET a\n");
    peer.hears(["OK", "VALUE 2", "VALUE 2", "OK", "NONE"]);
    peer.asks("quit", ["BYE"]);
    peer.is_over();
    server.end(Signal::SIGTERM, 143);
}

/// One client's part: a counter that all share, and keys of its own.
fn work(mut peer: Peer, name: usize, rounds: usize) -> Vec<i64> {
    let mut seen = Vec::new();
    for round in 0..rounds {
        let own = format!("own-{name}");
        peer.send(format!("INCR shared\nSET {own} {round}\nINCR {own} 1000\nGET {own}\n"));
        let count = peer.line().expect("an answer");
        seen.push(count.strip_prefix("VALUE ").and_then(|it| it.parse().ok()).expect("a number"));
        let value = format!("VALUE {}", round + 1000);
        peer.hears(["OK", &*value, &*value]);
    }
    seen
}

#[test]
fn clients_at_once_lose_nothing() {
    const ROUNDS: usize = 100;
    let server = Server::start("kv");
    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let peer = server.connect();
            thread::spawn(move || work(peer, name, ROUNDS))
        })
        .collect();
    let seen: Vec<Vec<i64>> = clients.into_iter().map(|it| it.join().expect("it works to the end")).collect();
    assert!(seen.iter().all(|counts| counts.is_sorted()), "a client sees the counter rise");
    let all: BTreeSet<i64> = seen.into_iter().flatten().collect();
    assert_eq!(all, (1..=(CLIENTS * ROUNDS) as i64).collect(), "each count was given to one client");
    let mut peer = server.connect();
    peer.asks("GET shared", [&*format!("VALUE {}", CLIENTS * ROUNDS)]);
    peer.asks("KEYS own-", ["KEYS 8", "own-0", "own-1", "own-2", "own-3", "own-4", "own-5", "own-6", "own-7"]);
    server.end(Signal::SIGINT, 130);
    peer.is_over();
}

#[test]
fn who_goes_in_the_middle_harms_nobody() {
    let server = Server::start("kv");
    let mut stays = server.connect();
    stays.asks("SET a 1", ["OK"]);
    for number in 0..20 {
        let mut goes = server.connect();
        // With answers unread, which resets the connection; with half a line; after a line without end.
        match number % 3 {
            0 => goes.send("GET a\n".repeat(100)),
            1 => goes.send("SET other hal"),
            _ => {
                goes.send("x".repeat(200_000));
                goes.is_over();
            }
        }
    }
    stays.asks("GET a", ["VALUE 1"]);
    let mut next = server.connect();
    next.asks("GET a", ["VALUE 1"]);
    server.end(Signal::SIGTERM, 143);
}
