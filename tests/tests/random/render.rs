//! A program's contexts as source text: the snippets of their languages, filled in.

use crate::languages::{FunctionForm, LANGUAGES, Language};
use crate::program::{
    Argument, Body, CODES, Call, Context, OnError, Program, RACING, SHAPES, SLOTS, Source, Step, When, pick,
};

/// Where the numbers of forks and detached calls begin among a language's forms of call.
pub(crate) const FORK: usize = 1000;
pub(crate) const DETACH: usize = 2000;

pub(crate) fn language(context: &Context) -> &'static Language {
    LANGUAGES[context.language as usize % LANGUAGES.len()]
}

/// The closures a context can make: none, if its language has none.
pub(crate) fn closures(context: &Context) -> &[Body] {
    if language(context).sources.closure.is_some() { &context.closures } else { &[] }
}

/// The number by which calls of this form are counted.
pub(crate) fn call_number(function: usize, call: usize) -> usize {
    function * 100 + call
}

/// A context's script.
pub(crate) fn render(program: &Program, me: usize) -> String {
    let context = &program.contexts[me];
    let language = language(context);
    let (number, count) = (me.to_string(), program.contexts.len().to_string());
    let prologue = fill(language.prologue, &[("me", &number), ("contexts", &count)]);
    let exports = (0..context.exports.len()).map(|at| fill(language.export, &[("name", &format!("f{at}"))]));
    let exports = exports.collect::<Vec<_>>().join(language.separator);
    prologue + &functions(program, me) + &fill(language.epilogue, &[("exports", &exports)])
}

/// The functions of a context's script.
pub(crate) fn functions(program: &Program, me: usize) -> String {
    let context = &program.contexts[me];
    let mut text = String::new();
    for (at, body) in context.exports.iter().enumerate() {
        text += &Writer::new(program, me, body).function(&format!("f{at}"), |form| form.export);
    }
    for (at, body) in closures(context).iter().enumerate() {
        text += &Writer::new(program, me, body).function(&format!("c{at}"), |form| form.closure);
    }
    text
}

/// A snippet with its words put in.
fn fill(snippet: &str, words: &[(&str, &str)]) -> String {
    let mut parts = snippet.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
        match words.iter().find(|(word, _)| *word == &part[..end]) {
            Some((_, value)) => text = text + value + &part[end..],
            // A sign of the language's own.
            None => text = text + "$" + part,
        }
    }
    text
}

/// Writes the steps of one function.
struct Writer<'p> {
    program: &'p Program,
    context: &'p Context,
    language: &'static Language,
    body: &'p Body,
    /// The function's form, and its number.
    form: &'static FunctionForm,
    number: usize,
}

impl<'p> Writer<'p> {
    fn new(program: &'p Program, me: usize, body: &'p Body) -> Writer<'p> {
        let context = &program.contexts[me];
        let language = language(context);
        let number = body.form as usize % language.functions.len();
        Writer { program, context, language, body, form: &language.functions[number], number }
    }

    fn function(&self, name: &str, template: impl Fn(&FunctionForm) -> &'static str) -> String {
        let steps: Vec<String> = self.body.steps.iter().map(|step| self.step(step)).collect();
        let lines = steps.iter().flat_map(|step| step.lines()).filter(|line| !line.is_empty());
        let steps: String = lines.map(|line| format!("  {line}\n")).collect();
        fill(template(self.form), &[("name", name), ("steps", &steps)])
    }

    fn step(&self, step: &Step) -> String {
        let language = self.language;
        match step {
            Step::Mix { times, plus } => {
                fill(language.mix, &[("times", &times.to_string()), ("plus", &plus.to_string())])
            }
            Step::Call { call, on_error, keep } => self.call(call, *on_error, *keep),
            Step::Fork { calls } => fill(
                self.form.fork,
                &[
                    ("first", &self.source(&calls[0].target)),
                    ("second", &self.source(&calls[1].target)),
                    ("first_argument", &self.argument(&calls[0].argument)),
                    ("second_argument", &self.argument(&calls[1].argument)),
                    ("form", &(FORK + self.number).to_string()),
                ],
            ),
            Step::Detach { form, call } => {
                let number = *form as usize % language.detaches.len();
                let (target, argument) = (self.source(&call.target), self.argument(&call.argument));
                let form = (DETACH + number).to_string();
                fill(language.detaches[number], &[("target", &target), ("argument", &argument), ("form", &form)])
            }
            Step::Hold { source, slot } => {
                fill(language.hold, &[("source", &self.source(source)), ("slot", &(slot % SLOTS).to_string())])
            }
            Step::Drop { slot } => fill(language.drop, &[("slot", &(slot % SLOTS).to_string())]),
            Step::Forget => language.forget.to_owned(),
            Step::Collect => language.collect.to_owned(),
            Step::Compare { left, right } => {
                fill(language.compare, &[("left", &self.source(left)), ("right", &self.source(right))])
            }
            Step::Throw { when, form, code, message } => {
                let number = *code as usize % CODES.len();
                let (code, message) = (CODES[number], format!("m{message}"));
                let words = [("code", code), ("number", &number.to_string()), ("message", &message)];
                self.when(*when, &fill(pick(language.throws, *form).text, &words))
            }
            Step::Return { when, source, shape } => {
                let words = [("source", &*self.source(source)), ("shape", &shape.to_string())];
                self.when(*when, &fill(language.give_back, &words))
            }
            Step::Close { when, context } => {
                let context = *context as usize % self.program.contexts.len();
                let words = [("context", &*context.to_string()), ("racing", &RACING.to_string())];
                self.when(*when, &fill(language.close, &words))
            }
        }
    }

    fn when(&self, when: When, step: &str) -> String {
        let by = when.0 % 3 + 1;
        let words = [("by", &*by.to_string()), ("rest", &(when.1 % by).to_string()), ("step", step)];
        fill(self.language.when, &words)
    }

    fn call(&self, call: &Call, on_error: OnError, keep: bool) -> String {
        let number = call.form as usize % self.form.calls.len();
        let form = call_number(self.number, number).to_string();
        let argument = self.argument(&call.argument);
        let text = fill(self.form.calls[number], &[("argument", &argument), ("form", &form)]);
        let around = match on_error {
            OnError::Pass => self.language.call_passing,
            OnError::Catch => self.language.call_catching,
            OnError::Rethrow => self.language.call_rethrowing,
        };
        fill(around, &[("target", &self.source(&call.target)), ("call", &text), ("keep", &keep.to_string())])
    }

    fn argument(&self, argument: &Argument) -> String {
        let shape = (argument.shape % SHAPES).to_string();
        fill(self.language.argument, &[("source", &self.source(&argument.source)), ("shape", &shape)])
    }

    fn source(&self, source: &Source) -> String {
        let sources = &self.language.sources;
        match source {
            Source::None => sources.none.to_owned(),
            Source::Received => sources.received.to_owned(),
            Source::Register => sources.register.to_owned(),
            Source::Held(slot) => fill(sources.held, &[("slot", &(slot % SLOTS).to_string())]),
            Source::Own(at) => fill(sources.own, &[("name", &export_name(self.context, *at))]),
            Source::Export(context, at) => {
                let number = *context as usize % self.program.contexts.len();
                let name = export_name(&self.program.contexts[number], *at);
                fill(sources.export, &[("context", &number.to_string()), ("name", &name)])
            }
            Source::Closure(at) => match (sources.closure, (*at as usize).checked_rem(closures(self.context).len())) {
                (Some(closure), Some(at)) => fill(closure, &[("name", &format!("c{at}"))]),
                _ => sources.none.to_owned(),
            },
            Source::Native(kind) => fill(sources.native, &[("name", kind.name())]),
        }
    }
}

/// The name of an exported function.
pub(crate) fn export_name(context: &Context, at: u8) -> String {
    format!("f{}", at as usize % context.exports.len())
}
