//! `examples/chat`.

use std::thread;

use nix::sys::signal::Signal;

use crate::peer::{Peer, Server};

/// More lines than any outbox and all buffers of the system hold.
const TOO_MANY: usize = 200_000;

/// A client under a name, in a room where these are.
fn guest(server: &Server, number: usize, nick: &str, room: &str, there: &str) -> Peer {
    let mut peer = server.connect();
    peer.hears([&*format!("* welcome, you are guest{number}; /help lists the commands")]);
    peer.asks(&format!("/nick {nick}"), [&*format!("* you are {nick}")]);
    peer.asks(&format!("/join {room}"), [&*format!("* you are in {room}, with {there}")]);
    peer
}

#[test]
fn people_meet_talk_and_leave() {
    let server = Server::start("chat");
    let mut ada = guest(&server, 1, "ada", "lobby", "bot");
    let mut bob = guest(&server, 2, "bob", "lobby", "ada, bot");
    ada.hears(["* bob joins"]);
    bob.say("hello");
    for peer in [&mut ada, &mut bob] {
        peer.hears(["<bob> hello"]);
    }
    ada.say("/say /me too");
    for peer in [&mut ada, &mut bob] {
        peer.hears(["<ada> /me too"]);
    }
    bob.say("/nick robert");
    for peer in [&mut ada, &mut bob] {
        peer.hears(["* bob is now robert"]);
    }
    let mut eve = guest(&server, 3, "bob", "tea-room", "bot");
    eve.say("anybody?");
    eve.hears(["<bob> anybody?"]);
    eve.asks("/list", ["* lobby: 2", "* tea-room: 1"]);
    ada.asks("/who", ["* in lobby: ada, robert, bot"]);
    bob.asks("/leave", ["* you leave lobby"]);
    ada.hears(["* robert leaves"]);
    bob.asks("anybody?", ["* you are in no room: /join one"]);
    // One who is in a room leaves it for another.
    ada.say("/join tea-room");
    ada.hears(["* you are in tea-room, with bob, bot"]);
    eve.hears(["* ada joins"]);
    bob.asks("/list", ["* tea-room: 2"]);
    ada.asks("/quit", ["* good bye"]);
    ada.is_over();
    eve.hears(["* ada quits"]);
    server.end(Signal::SIGTERM, 143);
    bob.is_over();
    eve.is_over();
}

#[test]
fn the_bot_answers_at_once_and_later() {
    let server = Server::start("chat");
    let mut ada = guest(&server, 1, "ada", "lobby", "bot");
    for (question, answer) in [
        ("bot: hello", "hello, ada"),
        ("Bot 6 * 7", "6 * 7 = 42"),
        ("bot, 7 / 2", "7 / 2 = 3.5"),
        ("bot: 1 / 0", "that is beyond me: nobody can divide by zero"),
        ("bot: one + two", "that is beyond me: 'one' is no number"),
        ("bot: 1 & 2", "that is beyond me: I know + - * and /"),
        ("bot", "ask me: hello, roll, 6 * 7, remind 5 tea"),
        ("bot: remind me", "that is beyond me: remind SECONDS WHAT"),
    ] {
        ada.asks(question, [&*format!("<ada> {question}"), &*format!("<bot> {answer}")]);
    }
    ada.asks("bots are fine", ["<ada> bots are fine"]);
    ada.asks("bot: roll", ["<ada> bot: roll"]);
    let rolled = ada.line().expect("it rolls");
    assert!((1..=6).any(|number| rolled == format!("<bot> ada rolls {number}")), "{rolled}");
    // What is asked for later comes in its time, and does not hold up the rest.
    ada.asks("bot: remind 3600 never", ["<ada> bot: remind 3600 never", "<bot> I will, ada"]);
    ada.asks("bot: remind 0 drink tea", ["<ada> bot: remind 0 drink tea"]);
    let mut heard = [ada.line(), ada.line()].map(Option::unwrap_or_default);
    heard.sort();
    assert_eq!(heard, ["<bot> I will, ada", "<bot> ada: drink tea"]);
    // Its timer does not hold up the end.
    server.end(Signal::SIGINT, 130);
}

#[test]
fn what_is_wrong_is_said_to_who_typed_it() {
    let server = Server::start("chat");
    let mut ada = guest(&server, 1, "ada", "lobby", "bot");
    let mut eve = server.connect();
    eve.hears(["* welcome, you are guest2; /help lists the commands"]);
    let name = "* a name has 1 to 16 letters, digits, - and _";
    for (line, answer) in [
        ("/nick ada", "* ada is somebody else"),
        ("/nick bot", "* bot is somebody else"),
        ("/nick", name),
        ("/nick two words", name),
        ("/nick abcdefghijklmnopq", name),
        ("/join ../etc", name),
        ("/leave", "* you are in no room: /join one"),
        ("/who", "* you are in no room: /join one"),
        ("/dance", "* there is no /dance: /help lists what there is"),
        ("/", "* there is no /: /help lists what there is"),
    ] {
        eve.asks(line, [answer]);
    }
    ada.asks("/join lobby", ["* you are in lobby"]);
    // A terminal is sent nothing that it could take for a command of its own.
    ada.send(b"\x1b[2J\xff\xfb\x01 \x07gr\xc3\xbc\xc3\x9fe \xe2\x82\xac\xc2\x9b\r\n");
    ada.hears(["<ada> [2J?? gr????e ?????"]);
    ada.send("gr\u{fc}\u{df}e \u{20ac}\u{9b}!\n");
    ada.hears(["<ada> gr\u{fc}\u{df}e \u{20ac}!"]);
    // A line without end ends the conversation.
    eve.send("x".repeat(100_000));
    eve.is_over();
    let mut next = server.connect();
    next.hears(["* welcome, you are guest3; /help lists the commands"]);
    server.end(Signal::SIGTERM, 143);
}

#[test]
fn who_goes_without_a_word_is_missed() {
    let server = Server::start("chat");
    let mut ada = guest(&server, 1, "ada", "lobby", "bot");
    // Hanging up; and going with lines unread, which resets the connection.
    let bob = guest(&server, 2, "bob", "lobby", "ada, bot");
    ada.hears(["* bob joins"]);
    bob.hang_up();
    ada.hears(["* bob hangs up"]);
    let eve = guest(&server, 3, "eve", "lobby", "ada, bot");
    ada.hears(["* eve joins"]);
    ada.asks("hello", ["<ada> hello"]);
    drop(eve);
    let left = ada.line().expect("it is told");
    assert!(["* eve hangs up", "* eve is cut off"].contains(&&*left), "{left}");
    // Their names are free again.
    ada.asks("/nick eve", ["* ada is now eve"]);
    ada.asks("/who", ["* in lobby: eve, bot"]);
    server.end(Signal::SIGTERM, 143);
}

#[test]
fn a_slow_client_stalls_nobody_and_is_put_out() {
    let server = Server::start("chat");
    let mut ada = guest(&server, 1, "ada", "lobby", "bot");
    let mut bob = guest(&server, 2, "bob", "lobby", "ada, bot");
    ada.hears(["* bob joins"]);
    // From now on he reads nothing.
    let slow = guest(&server, 3, "slow", "lobby", "ada, bob, bot");
    for peer in [&mut ada, &mut bob] {
        peer.hears(["* slow joins"]);
    }
    let text = "x".repeat(900);
    // Bob reads all the time, and hears all in order.
    let reader = thread::spawn(move || {
        let mut lines = Vec::new();
        while let Some(line) = bob.line() {
            lines.push(line);
        }
        lines
    });
    let mut said = 0;
    'talk: while said < TOO_MANY {
        // Some at once, as a person pastes them; their echo comes in order.
        for number in said..said + 20 {
            ada.say(&format!("{number} {text}"));
        }
        for number in said..said + 20 {
            let line = ada.line().expect("it is told");
            if line == "* slow reads too slowly" {
                said = number;
                break 'talk;
            }
            assert_eq!(line, format!("<ada> {number} {text}"));
        }
        said += 20;
    }
    assert!(said < TOO_MANY, "he is put out");
    println!("put out after {said} lines");
    // It is over for him, with what was on its way.
    let mut slow = slow;
    while slow.line().is_some() {}
    ada.say("/quit");
    while ada.line().is_some() {}
    server.end(Signal::SIGTERM, 143);
    let lines = reader.join().expect("he reads to the end");
    let (mut next, mut news) = (0, Vec::new());
    for line in lines {
        if line.starts_with("* ") {
            news.push(line);
        } else {
            assert_eq!(line, format!("<ada> {next} {text}"));
            next += 1;
        }
    }
    assert!(next > said, "{next} of {said} lines");
    assert_eq!(news, ["* slow reads too slowly", "* ada quits"]);
}

#[test]
fn many_talk_at_once_and_all_hear_the_same_in_the_same_order() {
    let server = Server::start("chat");
    const PEERS: usize = 8;
    const LINES: usize = 50;
    let mut peers: Vec<Peer> = Vec::new();
    for number in 0..PEERS {
        let mut there: Vec<String> = (0..number).map(|it| format!("p{it}")).collect();
        there.push("bot".into());
        let peer = guest(&server, number + 1, &format!("p{number}"), "lobby", &there.join(", "));
        for other in &mut peers {
            other.hears([&*format!("* p{number} joins")]);
        }
        peers.push(peer);
    }
    let talk = |mut peer: Peer| {
        thread::spawn(move || {
            for line in 0..LINES {
                peer.say(&format!("line {line}"));
            }
            (0..PEERS * LINES).map(|_| peer.line().expect("it is told")).collect::<Vec<_>>()
        })
    };
    let heard: Vec<Vec<String>> = peers
        .into_iter()
        .map(talk)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|it| it.join().expect("it hears all"))
        .collect();
    // Who has heard all may have gone while others still talked; until then all heard the same.
    for lines in &heard {
        assert_eq!(lines.len(), PEERS * LINES);
        for number in 0..PEERS {
            let of = format!("<p{number}> ");
            let own: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&of)).collect();
            let wanted: Vec<String> = (0..LINES).map(|line| format!("line {line}")).collect();
            assert_eq!(own, wanted, "what p{number} said");
        }
    }
    assert!(heard.iter().all(|lines| *lines == heard[0]), "all heard the same in the same order");
    server.end(Signal::SIGTERM, 143);
}
