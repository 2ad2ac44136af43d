//! A program that embeds calog: two natives of its own, a JavaScript and a Lua context, calls in both
//! directions, an error, and an orderly end. `docs/embedding.md` walks through it.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use calog::plugin_api::View;
use calog::{Callable, Code, ContextRef, Error, Function, Open, Result, Runtime, SearchPath, Value};

/// How long closing may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A native: an unknown name is an error that the calling script can catch.
fn price_of(name: &str) -> Result<i64> {
    match name {
        "pen" => Ok(250),
        "ink" => Ok(900),
        _ => Err(Error::new(Code::NotFound, format!("there is no article '{name}'"))),
    }
}

/// The program's runtime. Errors that no caller sees go to the handler; notes go to the sender.
fn build(notes: mpsc::Sender<String>) -> Result<Runtime> {
    Runtime::builder()
        .plugins(SearchPath::standard(&[], &[]))
        // Runs on whatever thread calls it.
        .inline_native(Function::new("price_of", price_of).params(["name"]))
        // Runs on this thread, and only while it pumps or waits.
        .native(
            Function::new("note", move |text: &str| {
                // The receiver lives as long as the program.
                let _ = notes.send(text.to_owned());
            })
            .params(["text"]),
        )
        .on_error(|_context, error| println!("handler: {}", error.message()))
        .build()
}

/// What a context exports under a name; nil when it exports no such thing.
fn export(context: &ContextRef, name: &str) -> Value {
    context.export(name).unwrap_or_default()
}

fn main() -> Result<()> {
    let (notes, noted) = mpsc::channel();
    let runtime = build(notes)?;

    // A context from a file; the extension names the engine. Its main chunk runs on its own thread.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/cart.js");
    let cart = runtime.open(Open::file(script))?;
    runtime.wait_for(&cart)?;

    // A context from source. What the chunk returns is exported.
    let rules = Open::source(
        "lua",
        "local rules = {}
         function rules.discount(cents) return cents // 10 end
         function rules.shop(add) return add('ink', 1) end
         function rules.try(add) return add('paper', 1) end
         return rules",
    );
    let rules = runtime.open(rules.name("rules"))?;
    runtime.wait_for(&rules)?;

    // Calling an export waits for its result and pumps meanwhile, so that `note` can run.
    let count = runtime.call_export(&cart, "add", &["pen".into(), 2.into()])?;
    println!("items: {count:?}");

    // Function values are values: JavaScript's `add` goes to Lua, Lua's `discount` to JavaScript.
    let count = runtime.call_export(&rules, "shop", &[export(&cart, "add")])?;
    println!("items: {count:?}");
    let total = runtime.call_export(&cart, "total", &[export(&rules, "discount")])?;
    println!("total: {total:?}");

    // A callback of the program: a native that is a value. It runs on the thread that calls it.
    let no_discount = Function::new("no_discount", |_cents: i64| 0).params(["cents"]).build()?;
    let no_discount: Callable = runtime.handle().callable(&no_discount)?;
    let total = runtime.call_export(&cart, "total", &[no_discount.into()])?;
    println!("total without: {total:?}");

    // An error has a code, a message, and one trace through all languages.
    if let Err(error) = runtime.call_export(&rules, "try", &[export(&cart, "add")]) {
        println!("error {}: {}", error.code().word(), error.message());
        for frame in error.frames() {
            println!("  in {} of context '{}'", frame.language, frame.context);
        }
    }

    // Fire and forget: errors reach the handler during pump.
    runtime.eval(&rules, "error('nobody asked')");
    runtime.eval(&rules, "note('from Lua')");
    let mut seen = Vec::new();
    while seen.last().is_none_or(|it| it != "from Lua") {
        runtime.pump_for(Duration::from_millis(1));
        seen.extend(noted.try_iter());
    }
    println!("notes: {}", seen.join(", "));

    // A closed context's functions are dead; the others go on.
    let add = export(&cart, "add");
    runtime.close_context(&cart);
    if let Err(error) = runtime.call_export(&rules, "shop", &[add]) {
        println!("error {}: {}", error.code().word(), error.message());
    }
    let small = runtime.evaluate(&rules, "1 + 1")?;
    println!("still there: {}", small.view() == View::int(2));

    // Ends everything in order, within a limit. Dropping the runtime does the same.
    let closed = runtime.close(PATIENCE);
    println!("lost: {}", closed.lost.len());
    Ok(())
}
