package skep.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.maps.BpfMap;
import skep.vm.maps.MapRequest;

/**
 * Whether maps serialise their users: the claim "concurrent use from many CPUs does not serialise on one lock". Threads update and look up
 * keys of one map, all of them in the same buckets; beside it run the same map behind one lock, and the JDK's concurrent map. Rounds of one
 * and of many threads alternate; what counts is how far the throughput grows, medians of the rounds.
 *
 * <pre>java -cp … skep.bench.MapBench [--threads N] [--rounds N] [TYPE…]</pre>
 */
public final class MapBench {
    private static final int KEYS = 1024;
    private static final int ENTRIES = 4096;
    private static final long ROUND_NANOS = 200_000_000;
    private static final int BATCH = 256;

    private MapBench() {}

    /** A map under test: an update and a look-up of a key; {@code room} has 16 bytes for a key and a value. */
    private interface Subject {
        void use(long key, long room, int cpu);
    }

    public static void main(String[] arguments) throws InterruptedException {
        int threads = 2;
        int rounds = 9;
        var types = List.of("HASH", "PERCPU_HASH", "LRU_HASH", "ARRAY", "LPM_TRIE");
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--threads" -> threads = Integer.parseInt(arguments[++i]);
                case "--rounds" -> rounds = Integer.parseInt(arguments[++i]);
                default -> {
                    types = Arrays.asList(arguments).subList(i, arguments.length);
                    i = arguments.length;
                }
            }
        }
        System.out.printf("%-24s %14s %14s %8s%n", "map", "1 thread/µs", threads + " threads/µs", "ratio");
        try (var machine = new Machine(Machine.Config.ofCpus(Math.max(4, threads)))) {
            for (var name : types) {
                var type = MapType.valueOf(name);
                boolean trie = type == MapType.LPM_TRIE;
                var spec = new MapSpec("m", type, type == MapType.ARRAY ? 4 : 8, 8, ENTRIES, trie ? 1 : 0);
                var map = machine.createMap(MapRequest.of(spec));
                try {
                    measure(name.toLowerCase(Locale.ROOT), subject(map), threads, rounds);
                    if (type == MapType.HASH) {
                        var lock = new Object();
                        var inner = subject(map);
                        measure(
                                "hash, one lock",
                                (key, room, cpu) -> {
                                    synchronized (lock) {
                                        inner.use(key, room, cpu);
                                    }
                                },
                                threads,
                                rounds);
                    }
                } finally {
                    machine.releaseMap(map.id());
                }
            }
        }
        var peer = new ConcurrentHashMap<Long, Long>();
        measure(
                "ConcurrentHashMap",
                (key, _, _) -> {
                    peer.put(key, key);
                    peer.get(key);
                },
                threads,
                rounds);
    }

    private static Subject subject(BpfMap map) {
        boolean trie = map.spec().type() == MapType.LPM_TRIE;
        return (key, room, cpu) -> {
            Memory.putLong(room, trie ? 32 | key << 32 : key);
            map.update(room, room + 8, 0, cpu);
            map.lookup(room, cpu);
        };
    }

    private static void measure(String name, Subject subject, int threads, int rounds) throws InterruptedException {
        run(subject, 1);
        run(subject, threads);
        var alone = new double[rounds];
        var together = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            alone[i] = run(subject, 1);
            together[i] = run(subject, threads);
        }
        Arrays.sort(alone);
        Arrays.sort(together);
        double one = alone[rounds / 2];
        double many = together[rounds / 2];
        System.out.printf(Locale.ROOT, "%-24s %14.1f %14.1f %8.2f%n", name, one, many, many / one);
    }

    /** Pairs of operations a microsecond. */
    private static double run(Subject subject, int threads) throws InterruptedException {
        var stop = new AtomicBoolean();
        var done = new LongAdder();
        var ready = new CountDownLatch(threads);
        var workers = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int cpu = t;
            workers[t] = Thread.ofPlatform().start(() -> {
                try (var room = Memory.allocate(16, 8)) {
                    ready.countDown();
                    int next = cpu * 7;
                    while (!stop.get()) {
                        for (int i = 0; i < BATCH; i++) {
                            subject.use(next = next + 13 & KEYS - 1, room.address(), cpu);
                        }
                        done.add(BATCH);
                    }
                }
            });
        }
        ready.await();
        long start = System.nanoTime();
        while (System.nanoTime() - start < ROUND_NANOS) {
            Thread.sleep(20);
        }
        stop.set(true);
        for (var worker : workers) {
            worker.join();
        }
        return done.sum() * 1000.0 / (System.nanoTime() - start);
    }
}
