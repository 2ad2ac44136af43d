//! Runtimes with sockets come and go, in every state that sockets can be in: threads, descriptors and
//! memory are what they were.

use std::net::{TcpListener, TcpStream};

use calog::plugin_api::Value;
use calog_tests::{Asked, Footprint, LANGUAGES, SAFETY_NET, World, resident_kib, run_alone};

/// How many runtimes come and go, once for warming up and once for measuring.
const RUNTIMES: usize = 40;

/// What may come on top: less than a kibibyte for each socket.
const GROWTH_KIB: u64 = 4096;

fn main() {
    run_alone(&[("runtimes_with_sockets_leave_nothing_behind", runtimes_with_sockets_leave_nothing_behind)]);
}

fn runtimes_with_sockets_leave_nothing_behind() {
    // Plugins are opened once and stay.
    one_runtime(0);
    let before = Footprint::now();
    (0..RUNTIMES).for_each(one_runtime);
    let resident = resident_kib();
    (0..RUNTIMES).for_each(one_runtime);
    before.assert_restored();
    let now = resident_kib();
    assert!(now <= resident + GROWTH_KIB, "from {resident} to {now} KiB");
}

/// Connections that are open, waited for, called back, half sent, closed or held by nobody; a listener
/// that is waited for; a datagram socket. The script or the test lets go of some before the end.
fn one_runtime(number: usize) {
    let world = World::new();
    let script = "
        local M, kept = {}, {}
        function M.start(port)
            local l = net.listen('127.0.0.1', 0)
            task.spawn(function() pcall(l.accept) end)
            kept.u = net.udp('127.0.0.1', 0)
            task.spawn(function() pcall(kept.u.recv_from) end)
            for n = 1, 12 do
                local c = net.connect('127.0.0.1', port, { send_limit = 1000 })
                if n % 4 == 0 then c.on_data(function() end) c.on_close(function() end) end
                if n % 4 == 1 then task.spawn(function() pcall(c.recv_line) end) end
                if n % 4 == 2 then task.spawn(function() pcall(c.send, ('x'):rep(100000)) end) end
                if n % 3 == 0 then c.close() elseif n % 3 == 1 then kept[n] = c end
            end
            return l.address().port
        end
        return M";
    let context = world.open(&format!("a.{}", LANGUAGES[0].extension), script);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let started: Asked = world.ask(&context, "start", &[port.into()]);
    let peers: Vec<TcpStream> = (0..12).map(|_| listener.accept().expect("it connects").0).collect();
    assert!(matches!(world.answer(&started), Ok(Value::Int(_))));
    match number % 3 {
        0 => assert_eq!(world.runtime.close(SAFETY_NET).lost, []),
        1 => assert!(world.runtime.close_context(&context)),
        _ => drop(peers),
    }
}
