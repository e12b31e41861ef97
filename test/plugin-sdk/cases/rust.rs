use bulkhead::{Error, Json, RouteAnswer, RouteRequest, http::Header, random};
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
    Ok(RouteAnswer { status: 201, headers, body: request.body.clone() })
}
