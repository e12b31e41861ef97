//! The attributes of the crate `bulkhead`. A function's name and whether it takes something is all they need, so they parse
//! no more than that and have no dependencies.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Makes a function an entry point for a service: at most one argument, `bulkhead::Json<T>`, `String` or `Vec<u8>`; it returns
/// the same kinds or `()`, in a `Result` whose error is told to the caller. The export has the function's name.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry("service", arguments, function)
}

/// Makes a function an entry point for events: its argument is `bulkhead::Event<T>`, where the event's data is the JSON of `T`.
#[proc_macro_attribute]
pub fn event(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry("event", arguments, function)
}

/// Makes a function without arguments a lifecycle entry point: its name must be `on_load`, `on_start`, `on_stop` or `on_unload`.
#[proc_macro_attribute]
pub fn lifecycle(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry("lifecycle", arguments, function)
}

fn entry(kind: &str, arguments: TokenStream, function: TokenStream) -> TokenStream {
    match expand(kind, &arguments, &function) {
        Ok(added) => [function, added.parse().expect("the wrapper is Rust")].into_iter().collect(),
        Err(message) => format!("compile_error!({message:?});").parse().expect("an error is Rust"),
    }
}

fn expand(kind: &str, arguments: &TokenStream, function: &TokenStream) -> Result<String, String> {
    if !arguments.is_empty() {
        return Err(format!("#[bulkhead::{kind}] takes no arguments"));
    }
    let mut tokens = function.clone().into_iter().skip_while(|token| token.to_string() != "fn").skip(1);
    let name = tokens.next().ok_or_else(|| format!("#[bulkhead::{kind}] stands above a function"))?.to_string();
    let parameters = match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => group.stream(),
        _ => return Err(format!("#[bulkhead::{kind}]: {name} cannot be generic")),
    };
    if kind == "lifecycle" && !["on_load", "on_start", "on_stop", "on_unload"].contains(&name.as_str()) {
        return Err(format!("#[bulkhead::lifecycle]: {name} is none of on_load, on_start, on_stop, on_unload"));
    }
    if kind == "event" && parameters.is_empty() {
        return Err(format!("#[bulkhead::event]: {name} must take a bulkhead::Event<T>"));
    }
    if kind == "lifecycle" && !parameters.is_empty() {
        return Err(format!("#[bulkhead::lifecycle]: {name} must take nothing"));
    }
    let call = if parameters.is_empty() { format!("|()| {name}()") } else { name.clone() };
    Ok(format!(
        "const _: () = {{ #[unsafe(export_name = \"{name}\")] extern \"C\" fn entry() -> i32 {{ ::bulkhead::entry::run({call}) }} }};"
    ))
}
