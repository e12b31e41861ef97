use bulkhead::{BlobReader, BlobWriter, Error, Json, RouteAnswer, RouteRequest, crypto, http::Header, random, read_config, services, storage, transaction};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Of<T> {
    v: T,
}

#[derive(Serialize)]
struct X {
    x: f64,
}

#[derive(Serialize)]
struct Unfit {
    a: Option<u8>,
    list: Vec<X>,
}

#[bulkhead::service]
fn any(value: Json<serde_json::Value>) -> Json<serde_json::Value> {
    value
}

#[bulkhead::service]
fn floats(value: Json<Of<f64>>) -> Json<Of<f64>> {
    value
}

#[bulkhead::service]
fn signed(value: Json<Of<i64>>) -> Json<Of<i64>> {
    value
}

#[bulkhead::service]
fn unsigned(value: Json<Of<u64>>) -> Json<Of<u64>> {
    value
}

#[bulkhead::service]
fn text(value: Json<Of<String>>) -> Json<Of<String>> {
    value
}

#[bulkhead::service]
fn unfit(text: String) -> Result<Json<Unfit>, Error> {
    let x = text.parse().map_err(|_| Error::failed("no number"))?;
    Ok(Json(Unfit { a: None, list: vec![X { x: 0.0 }, X { x }] }))
}

#[bulkhead::service]
fn drawn() -> Result<Json<Vec<u8>>, Error> {
    Ok(Json(random::bytes(16)?))
}

#[bulkhead::service]
fn route(request: RouteRequest) -> Result<RouteAnswer, Error> {
    let test = request.header("X-Test")?.unwrap_or("none");
    let value = format!("{} {} {} {test}", request.method, request.params["id"], request.query);
    let headers = vec![Header { name: "etag".into(), value }];
    Ok(RouteAnswer { status: 201, headers, blob: None, body: request.body.clone() })
}

/// Uses each function of crypto: answers a hash, a code, a signature and the JWK that verifies it, one after the other.
#[bulkhead::service]
fn sealed(message: Vec<u8>) -> Result<Vec<u8>, Error> {
    use crypto::{HashAlgorithm, KeyAlgorithm, KeyFormat, SignatureAlgorithm};
    match crypto::hmac(HashAlgorithm::Sha256, b"", &message) {
        Err(refused) if refused.code.name() == "invalid-message" => {}
        _ => return Err(Error::failed("an empty key is taken")),
    }
    let hash = crypto::digest(HashAlgorithm::Sha256, &message)?;
    let code = crypto::hmac(HashAlgorithm::Sha512, b"key", &message)?;
    let signature = crypto::sign("tokens", Some(KeyAlgorithm::Es256), &message)?;
    let jwk = crypto::public_key("tokens", None)?;
    if crypto::public_keys("tokens")? != [jwk.clone()] {
        return Err(Error::failed("there is another key"));
    }
    let is_signed = crypto::verify(SignatureAlgorithm::Es256, KeyFormat::Jwk, jwk.as_bytes(), &message, &signature)?;
    if !is_signed || !crypto::equal(&hash, &hash)? || crypto::equal(&hash, &code)? {
        return Err(Error::failed("nothing is verified"));
    }
    let phc = crypto::password_hash("pässword")?;
    if !crypto::password_verify("pässword", &phc)? || crypto::password_verify("password", &phc)? {
        return Err(Error::failed("a password is another"));
    }
    Ok([hash, code, signature, jwk.into_bytes()].concat())
}

/// Copies the blob "in" to "out" and answers the copy.
#[bulkhead::service]
fn blob() -> Result<String, Error> {
    let failed = |error: std::io::Error| match error.downcast::<Error>() {
        Ok(error) => error,
        Err(other) => Error::failed(other.to_string()),
    };
    let Ok(mut source) = BlobReader::open("in") else { return Ok("no blob".into()) };
    let mut copy = BlobWriter::create("out", "text/plain", &[])?;
    std::io::copy(&mut source, &mut copy).map_err(failed)?;
    copy.finish()?;
    std::io::read_to_string(BlobReader::open("out")?).map_err(failed)
}

/// What it reads is changed behind its back in the first `v` runs.
#[bulkhead::service]
fn transact(disturbed: Json<Of<u64>>) -> Result<Json<Of<u64>>, Error> {
    let mut runs = 0;
    transaction(|tx| {
        runs += 1;
        let before = tx.get("n")?.unwrap_or_else(|| b"0".to_vec());
        if runs <= disturbed.0.v {
            storage::set("n", runs.to_string().as_bytes())?;
        }
        if runs <= disturbed.0.v && tx.get("n")?.is_some_and(|again| again != before) {
            return Err(Error::failed("what was read is not what it was"));
        }
        tx.set("n", [before.as_slice(), b"x"].concat());
        if tx.get("n")?.is_none_or(|own| !own.ends_with(b"x")) {
            return Err(Error::failed("what was set is not there"));
        }
        tx.set_for("brief", "b", 60_000);
        tx.delete("gone");
        Ok(())
    })?;
    Ok(Json(Of { v: runs }))
}

#[bulkhead::service]
fn refuse(reason: Json<Of<String>>) -> Result<(), Box<dyn std::error::Error>> {
    if reason.0.v == "unavailable" {
        return Err(Error::refused("unavailable", "gone for \"1\" é").retry_after(1500).into());
    }
    Err(Error::refused(reason.0.v, "no \"1\" é").into())
}

#[bulkhead::service]
fn passed() -> Result<Vec<u8>, Error> {
    services::call("vault.open", b"", None)
}

#[bulkhead::service]
fn seen() -> Result<String, Error> {
    let Err(refused) = services::call("vault.open", b"", None) else { return Err(Error::failed("nothing was refused")) };
    Ok(format!("{} {} {}", refused.code.name(), refused.reason.unwrap_or_default(), refused.retry_after_ms.unwrap_or(0)))
}

#[derive(Serialize, Deserialize)]
struct Settings {
    level: f64,
    count: u32,
    on: Option<bool>,
    name: String,
    rooms: Vec<String>,
    #[serde(default = "seven")]
    extra: u8,
}

fn seven() -> u8 {
    7
}

#[bulkhead::service]
fn configured() -> Result<Json<Settings>, Error> {
    read_config().map(Json)
}
