//! `neighbour-wasmtime <attack> <hostile guests> <cpu ms> <memory MiB> <warm-up turns> <settle ms> <measure ms> <rest ms>`: the same measurement as child.ts, with the same lines on
//! standard output. Guests are held as wasmtime's documentation advises: epochs that suspend a guest, a limiter of memory, instances out of a pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, InstancePre, Linker, Memory, Module,
    PoolingAllocationConfig, Result, Store, StoreLimits, StoreLimitsBuilder, TypedFunc,
    UpdateDeadline, bail, format_err,
};

const EPOCH: Duration = Duration::from_millis(1);
const OUTPUT_AT: usize = 1024;
const POLITE_INPUT: [u8; 100] = [b'x'; 100];

struct Settings {
    attack: &'static str,
    hostile: u64,
    /// One epoch each; a guest that is suspended does not pay for them.
    slices: u64,
    memory_bytes: usize,
    warm_up_turns: u64,
    settle: Duration,
    measure: Duration,
    rest: Duration,
}

struct Guest {
    limits: StoreLimits,
    slices_left: u64,
}

fn main() -> Result<()> {
    let settings = Arc::new(parse_settings()?);
    let engine = make_engine(&settings)?;
    let ticking = engine.clone();
    std::thread::spawn(move || {
        loop {
            sleep(EPOCH);
            ticking.increment_epoch();
        }
    });
    let template = make_template(&engine)?;
    // What comes from outside is looked for after each slice instead of each 61: it is what a host would want that answers requests.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .global_queue_interval(1)
        .build()?;
    runtime.block_on(measure(template, settings))?;
    std::process::exit(0);
}

fn parse_settings() -> Result<Settings> {
    let mut arguments = std::env::args().skip(1);
    let attack = match arguments.next().as_deref() {
        Some("loops") => "loops",
        Some("memory") => "memory_flood",
        Some("host calls") => "host_calls",
        other => bail!("there is no attack {other:?}"),
    };
    let mut number = || {
        arguments
            .next()
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| format_err!("a number is missing"))
    };
    Ok(Settings {
        attack,
        hostile: number()?,
        slices: number()?,
        memory_bytes: usize::try_from(number()?)? << 20,
        warm_up_turns: number()?,
        settle: Duration::from_millis(number()?),
        measure: Duration::from_millis(number()?),
        rest: Duration::from_millis(number()?),
    })
}

fn make_engine(settings: &Settings) -> Result<Engine> {
    let guests = u32::try_from(settings.hostile)? + 1;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(guests)
        .total_memories(guests)
        .total_stacks(guests);
    pool.max_memory_size(settings.memory_bytes);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn make_template(engine: &Engine) -> Result<InstancePre<Guest>> {
    let answer = AtomicI32::new(7);
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "ask", move || answer.load(Ordering::Relaxed))?;
    linker.instantiate_pre(&Module::new(engine, include_str!("guest.wat"))?)
}

fn make_store(template: &InstancePre<Guest>, settings: &Settings) -> Store<Guest> {
    let limits = StoreLimitsBuilder::new()
        .memory_size(settings.memory_bytes)
        .build();
    let mut store = Store::new(
        template.module().engine(),
        Guest {
            limits,
            slices_left: settings.slices,
        },
    );
    store.limiter(|guest| &mut guest.limits);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let guest = context.data_mut();
        guest.slices_left = guest.slices_left.saturating_sub(1);
        if guest.slices_left == 0 {
            bail!("the CPU time of this turn is exhausted");
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

async fn attack_forever(template: InstancePre<Guest>, settings: Arc<Settings>) -> Result<()> {
    loop {
        let mut store = make_store(&template, &settings);
        let instance = template.instantiate_async(&mut store).await?;
        let attack = instance.get_typed_func::<(), ()>(&mut store, settings.attack)?;
        // Each ends by its limit, and a trapped instance is not used again.
        let _ = attack.call_async(&mut store, ()).await;
    }
}

/// A turn of it is a task like those of the hostile ones, so it waits for a thread as they do.
struct Polite {
    store: Store<Guest>,
    memory: Memory,
    echo: TypedFunc<i32, ()>,
    slices: u64,
}

impl Polite {
    async fn new(template: &InstancePre<Guest>, settings: &Settings) -> Result<Self> {
        let mut store = make_store(template, settings);
        let instance = template.instantiate_async(&mut store).await?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| format_err!("the guest has no memory"))?;
        let echo = instance.get_typed_func(&mut store, "echo")?;
        Ok(Self {
            store,
            memory,
            echo,
            slices: settings.slices,
        })
    }

    async fn call(mut self) -> Result<Self> {
        self.store.data_mut().slices_left = self.slices;
        self.store.set_epoch_deadline(1);
        self.memory.write(&mut self.store, 0, &POLITE_INPUT)?;
        self.echo
            .call_async(&mut self.store, POLITE_INPUT.len() as i32)
            .await?;
        let mut output = [0; POLITE_INPUT.len()];
        self.memory.read(&self.store, OUTPUT_AT, &mut output)?;
        if output != POLITE_INPUT {
            bail!("the echo answered something else");
        }
        Ok(self)
    }
}

/// Runs in a thread that no guest has, where sleeping holds up nobody.
async fn measure(template: InstancePre<Guest>, settings: Arc<Settings>) -> Result<()> {
    let mut polite = Polite::new(&template, &settings).await?;
    for _ in 0..settings.warm_up_turns {
        polite = tokio::spawn(polite.call()).await??;
    }
    println!("ready");
    for _ in 0..settings.hostile {
        tokio::spawn(attack_forever(template.clone(), settings.clone()));
    }
    sleep(settings.settle);
    let mut latencies = Vec::new();
    let began = Instant::now();
    while began.elapsed() < settings.measure {
        let start = Instant::now();
        polite = tokio::spawn(polite.call()).await??;
        latencies.push(start.elapsed().as_secs_f64() * 1_000.0);
        sleep(settings.rest);
    }
    println!(
        "{{\"latenciesMs\":{latencies:?},\"tookMs\":{}}}",
        began.elapsed().as_secs_f64() * 1_000.0
    );
    Ok(())
}
