//! Framing: however a stream is cut, and whoever asks for what of it and thinks better of it, the bytes
//! come once and in order, lines are lines, and what is cut short is an error.
//!
//! Once as the buffer by itself, and once as a connection through a Unix-domain socket, beside a reference
//! that knows the whole stream.

#![no_main]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use calog::plugin_api::prelude::*;
use calog::plugin_api::{AggregateView, Canceller, Facts, KeptInfo, Native, Object, Str};
use calog::{Open, Runtime, SearchPath};
use calog_fuzz::dough::Dough;
use incoming::{Incoming, Line};
use libfuzzer_sys::fuzz_target;

// The buffer itself, which is the bundle's own.
#[path = "../../../natives/net/src/reactor/incoming.rs"]
mod incoming;

/// How long a line may be.
const LINE_LIMIT: usize = 8;
/// An answer that does not come within this never will.
const SAFETY_NET: Duration = Duration::from_secs(15);
/// Steps of one input.
const STEPS: usize = 60;

fuzz_target!(|bytes: &[u8]| {
    let mut dough = Dough::new(bytes);
    if dough.byte() & 1 == 0 { buffer(&mut dough) } else { STAGE.with(|stage| connection(stage, &mut dough)) }
});

/// A piece of a stream, of which line ends are often a part.
fn piece(dough: &mut Dough<'_>) -> Vec<u8> {
    let mut byte = || match dough.byte() {
        low @ 0..64 => b"\n\r"[usize::from(low & 1)],
        byte => byte,
    };
    let length = usize::from(byte()) % 12;
    (0..length).map(|_| byte()).collect()
}

/// What a search for a line in the rest of a stream comes to.
fn line_of(rest: &[u8], limit: usize) -> Line {
    let without_cr = |content: &[u8]| content.strip_suffix(b"\r").map_or(content.len(), <[u8]>::len);
    let (content, whole) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => (without_cr(&rest[..at]), Some(at + 1)),
        None => (without_cr(rest), None),
    };
    match whole {
        _ if content > limit => Line::TooLong,
        Some(whole) => Line::Found { content, whole },
        None => Line::NotYet,
    }
}

/// The buffer by itself, beside a plain list of bytes.
fn buffer(dough: &mut Dough<'_>) {
    let (mut incoming, mut plain) = (Incoming::default(), Vec::new());
    while !dough.is_empty() {
        match dough.below(3) {
            0 => {
                let piece = piece(dough);
                incoming.push(&piece);
                plain.extend_from_slice(&piece);
            }
            1 => {
                let take = usize::from(dough.byte()).min(plain.len());
                incoming.consume(take);
                plain.drain(..take);
            }
            _ => {
                let limit = usize::from(dough.byte() % 32);
                let found = incoming.line(limit);
                assert_eq!(found, line_of(&plain, limit), "within {limit} of {plain:?}");
                if let Line::Found { whole, .. } = found {
                    incoming.consume(whole);
                    plain.drain(..whole);
                }
            }
        }
        assert_eq!((incoming.bytes(), incoming.is_empty()), (&plain[..], plain.is_empty()));
    }
}

/// A native of the plugin file, once a context has looked for it.
static FOUND: Mutex<Option<Native>> = Mutex::new(None);

/// An engine whose contexts do nothing but find `net.connect`.
struct Finder;

impl Engine for Finder {
    const NAME: &'static str = "finder";
    const EXTENSIONS: &'static [&'static str] = &["finder"];
    type Context = Nothing;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Finder> {
        Ok(Finder)
    }

    fn open(&self, host: Host, _options: &ContextOptions) -> Result<Nothing> {
        let names = host.native_names();
        let mut names = names.view().as_aggregate().into_iter().flat_map(AggregateView::elements);
        let at = names.position(|name| name.as_str() == Some("net.connect"));
        *FOUND.lock().expect("no panic") = at.map(|at| host.native(at)).transpose()?;
        Ok(Nothing)
    }
}

struct Nothing;

impl Context for Nothing {
    fn load(&self, _source: Source<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }

    fn call(&self, _function: FunctionKey, _info: &CallInfo, _args: Args<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }

    fn release(&self, _function: FunctionKey) {}
}

/// The bundle, with its thread, for all inputs.
struct Stage {
    runtime: Runtime,
    connect: Native,
    listener: UnixListener,
    place: PathBuf,
}

thread_local! {
    static STAGE: Stage = Stage::new();
}

impl Stage {
    fn new() -> Stage {
        let target = std::env::current_exe().expect("a target knows its own path");
        let plugins = SearchPath::of([target.parent().expect("it lies in a folder")]);
        let runtime = Runtime::builder().plugins(plugins).engine::<Finder>().build().expect("a runtime");
        let context = runtime.open(Open::source("finder", "")).expect("a context");
        runtime.wait_for(&context).expect("there is nothing to run");
        let connect = FOUND.lock().expect("no panic").take().expect("the bundle net has been built");
        // Who runs at the same time has another number; who had this one is gone.
        let place = std::env::temp_dir().join(format!("calog-framing-{}", std::process::id()));
        let _ = std::fs::remove_file(&place);
        let listener = UnixListener::bind(&place).expect("a place in the folder for temporary files");
        Stage { runtime, connect, listener, place }
    }

    fn info(&self) -> KeptInfo {
        KeptInfo::new(self.runtime.handle(), None, Facts::default())
    }

    /// A connection, and its peer.
    fn meet(&self) -> (Object, UnixStream) {
        let place = Value::from(format!("unix:{}", self.place.display()));
        let options = Value::map([("line_limit", LINE_LIMIT as i64)]).expect("a map");
        let args = [place, Value::Nil, options];
        let outcome = self.connect.call(&self.info(), Args::new(&args.each_ref().map(Value::view)));
        let made = Answer::of(outcome).get().expect("a connection");
        let (peer, _) = self.listener.accept().expect("its peer");
        peer.set_read_timeout(Some(SAFETY_NET)).expect("a limit");
        (made.view().as_object().expect("an Object").clone(), peer)
    }

    fn call(&self, object: &Object, method: &str, args: &[Value]) -> Answer {
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        Answer::of(object.call(&self.info(), method, Args::new(&views)))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It is of no use to anybody else.
        let _ = std::fs::remove_file(&self.place);
    }
}

/// An answer that comes on the bundle's thread, or at once.
struct Answer(Receiver<calog::Result<Value>>, Option<Canceller>);

impl Answer {
    fn of(outcome: Outcome) -> Answer {
        let (sender, receiver) = channel();
        let canceller = match &outcome {
            Outcome::Pending(completion) => Some(completion.canceller()),
            _ => None,
        };
        // Nobody listens to one that was cancelled.
        outcome.then(move |result| _ = sender.send(result));
        Answer(receiver, canceller)
    }

    fn get(self) -> calog::Result<Value> {
        self.0.recv_timeout(SAFETY_NET).expect("every call is answered")
    }

    /// Whether it was cancelled; otherwise it has a result.
    fn cancel(&self) -> bool {
        self.1.as_ref().is_some_and(|it| it.cancel(&Error::new(Code::Cancelled, "cancelled")))
    }
}

/// What somebody asked for.
#[derive(Clone, Copy, Debug)]
enum Want {
    Some(usize),
    Line,
    Exact(usize),
}

impl Want {
    fn of(dough: &mut Dough<'_>) -> Want {
        let count = 1 + usize::from(dough.byte() % 16);
        match dough.below(3) {
            0 => Want::Some(count),
            1 => Want::Line,
            _ => Want::Exact(count),
        }
    }

    fn ask(self, stage: &Stage, connection: &Object) -> Answer {
        let (method, count) = match self {
            Want::Some(count) => ("recv", Some(count)),
            Want::Line => ("recv_line", None),
            Want::Exact(count) => ("recv_exact", Some(count)),
        };
        let args: Vec<Value> = count.into_iter().map(|count| (count as i64).into()).collect();
        stage.call(connection, method, &args)
    }

    /// Whether this may be the answer where the stream goes on like this until it ends, and how many
    /// bytes it took.
    fn check(self, rest: &[u8], answer: &calog::Result<Value>) -> usize {
        let got = answer.as_ref().map(|value| value.view().as_bytes().map(<[u8]>::to_vec)).map_err(Error::code);
        let (wanted, taken) = match self {
            // As much as had come.
            Want::Some(most) => {
                let count = got.as_ref().ok().and_then(Option::as_ref).map_or(0, Vec::len);
                assert!(count <= most && (count > 0 || rest.is_empty()), "{self:?} got {got:?} of {rest:?}");
                (Ok((count > 0).then(|| rest[..count.min(rest.len())].to_vec())), count)
            }
            Want::Exact(count) if count <= rest.len() => (Ok(Some(rest[..count].to_vec())), count),
            Want::Exact(_) => (Err(Code::Closed), 0),
            Want::Line => match line_of(rest, LINE_LIMIT) {
                Line::Found { content, whole } => (Ok(Some(rest[..content].to_vec())), whole),
                Line::TooLong => (Err(Code::Limit), 0),
                Line::NotYet => (Ok((!rest.is_empty()).then(|| rest.to_vec())), rest.len()),
            },
        };
        assert_eq!(got, wanted, "{self:?} of {rest:?}");
        taken
    }
}

/// A connection whose peer sends and answers in pieces, beside the whole stream.
fn connection(stage: &Stage, dough: &mut Dough<'_>) {
    let (connection, mut peer) = stage.meet();
    let (mut stream, mut sent) = (Vec::new(), Vec::new());
    let mut asked: Vec<(Want, Answer, bool)> = Vec::new();
    for _ in 0..STEPS {
        if dough.is_empty() {
            break;
        }
        match dough.below(8) {
            0..3 => {
                let piece = piece(dough);
                peer.write_all(&piece).expect("it goes");
                stream.extend_from_slice(&piece);
            }
            3..6 => {
                let want = Want::of(dough);
                asked.push((want, want.ask(stage, &connection), false));
            }
            6 => {
                let at = usize::from(dough.byte());
                if let Some(at) = at.checked_rem(asked.len()) {
                    let (_, answer, cancelled) = &mut asked[at];
                    *cancelled = *cancelled || answer.cancel();
                }
            }
            _ => {
                let piece = piece(dough);
                let text = Value::String(Str::from_bytes(&piece));
                stage.call(&connection, "send", &[text]).get().expect("it goes");
                sent.extend_from_slice(&piece);
            }
        }
    }
    peer.shutdown(Shutdown::Write).expect("its stream ends");
    let mut at = 0;
    for (want, answer, cancelled) in asked {
        if !cancelled {
            at += want.check(&stream[at..], &answer.get());
        }
    }
    // What nobody asked for yet is still there, all of it.
    let rest = stream.len() - at;
    if rest > 0 {
        let want = Want::Exact(rest);
        at += want.check(&stream[at..], &want.ask(stage, &connection).get());
    }
    let end = Want::Some(1);
    end.check(&stream[at..], &end.ask(stage, &connection).get());
    stage.call(&connection, "close", &[]).get().expect("it closes");
    let mut came = Vec::new();
    peer.read_to_end(&mut came).expect("it comes");
    assert_eq!(came, sent, "what was sent comes once and in order");
}
