//! Values through every engine: what comes out of a language once is what comes out of it ever after,
//! and whatever a language makes of a value is a value or an error.

#![no_main]

use calog::{Code, Value};
use calog_fuzz::dough::Dough;
use calog_fuzz::languages::Languages;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static LANGUAGES: Languages = Languages::new();
}

fuzz_target!(|bytes: &[u8]| {
    LANGUAGES.with(|languages| {
        let mut dough = Dough::new(bytes);
        let value = dough.value();
        for language in languages.all() {
            same(languages, language, &value);
        }
        while !dough.is_empty() {
            odd(languages, &mut dough);
        }
    });
});

/// A value goes into a language and comes out, and what came out stays as it is.
fn same(languages: &Languages, language: usize, value: &Value) {
    match languages.call(language, "same", std::slice::from_ref(value)) {
        Ok(once) => {
            let twice = languages.call(language, "same", std::slice::from_ref(&once));
            assert_eq!(twice.as_ref().ok(), Some(&once), "{}: of {value:?}", languages.name(language));
        }
        Err(error) => {
            let name = languages.name(language);
            assert!([Code::Unsupported, Code::Range].contains(&error.code()), "{name}: of {value:?}: {error:?}");
        }
    }
}

/// One language makes something odd of a value, and all others see it.
fn odd(languages: &Languages, dough: &mut Dough<'_>) {
    let maker = usize::from(dough.byte()) % languages.all().len();
    let args = [Value::from(i64::from(dough.byte())), dough.value(), dough.int().into()];
    // Errors are as good as values here: that they come back at all is what counts.
    let Ok(made) = languages.call(maker, "odd", &args) else { return };
    for language in languages.all() {
        let _ = languages.call(language, "same", std::slice::from_ref(&made));
    }
    if matches!(made, Value::Callable(_)) {
        let _ = languages.call_value(&made, &args);
    }
}
