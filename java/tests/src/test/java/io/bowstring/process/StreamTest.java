package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.PyFunction;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StreamTest {
    private static final String PEER = "java_test_peer";
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws URISyntaxException {
        String peers = Path.of(StreamTest.class.getResource("/python/java_test_peer.py").toURI()).getParent().toString();
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setPythonPath(List.of(peers)).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    private static <T> List<T> all(ObjectStream<T> stream) {
        List<T> values = new ArrayList<>();
        stream.values().forEach(values::add);
        return values;
    }

    @Test
    void aMethodThatReturnsAStreamIsReadItemByItem() {
        List<Long> values = all(Bowstring.task(Streams::upTo, 1000L).stream(Long.class));
        assertEquals(1000, values.size());
        assertEquals(999, values.get(999));
        assertEquals(List.of("a", "b", "c"), all(Bowstring.task(Streams::words).stream(String.class)));
        assertEquals(List.of(), all(Bowstring.task(Streams::upTo, 0L).stream(Long.class)));
    }

    @Test
    void aPythonGeneratorIsReadItemByItem() {
        PyFunction<Object> count = PyFunction.of(PEER, "count_up", Object.class);
        assertEquals(List.of(0, 1, 2, 3, 4), all(Bowstring.task(count, 5).stream(Integer.class)));
    }

    @Test
    void aMethodOfAnActorStreams() {
        ActorHandle<Streams> actor = Bowstring.actor(Streams::new, 10L).remote();
        assertEquals(List.of(10L, 11L, 12L), all(actor.task(Streams::count, 3).stream(Long.class)));
        assertEquals(List.of(10L), all(actor.task(Streams::count, 1).stream(Long.class)));
    }

    @Test
    void largeItemsLieInTheStoreAndItemsCanBePassedOn() {
        try (ObjectStream<double[]> arrays = Bowstring.task(Streams::arrays, 5, 50_000).stream(double[].class)) {
            double sum = 0;
            while (arrays.hasNext()) {
                ObjectRef<double[]> item = arrays.next();
                assertEquals(50_000, item.get().length);
                sum += Bowstring.task(Calculator::sum, item).remote().get();
            }
            assertEquals(10, sum);
        }
    }

    @Test
    void anErrorIsTheLastItem() {
        try (ObjectStream<Long> stream = Bowstring.task(Streams::failing).stream(Long.class)) {
            for (long i = 0; i < 3; i++) {
                assertEquals(i, stream.next().get());
            }
            ObjectRef<Long> last = stream.next();
            assertTrue(assertThrows(TaskException.class, last::get).getMessage().contains("no fourth item"));
            assertFalse(stream.hasNext());
            assertThrows(NoSuchElementException.class, stream::next);
        }
        ObjectStream<Long> none = Bowstring.task(Streams::none).stream(Long.class);
        InvalidArgumentException error = assertThrows(InvalidArgumentException.class, none.next()::get);
        assertTrue(error.getMessage().contains("returned a java.lang.Integer"), error.getMessage());
    }

    @Test
    void nothingIsMadeFurtherAheadThanIsAllowedAndClosingEndsTheTask() throws Exception {
        Path made = folder.resolve("made");
        Path closed = folder.resolve("closed");
        ObjectStream<Long> stream = Bowstring.task(Streams::marking, made.toString(), closed.toString())
                .setStreamAhead(4)
                .stream(Long.class);
        for (long i = 0; i < 20; i++) {
            assertEquals(i, stream.next().get());
        }
        long limit = 20 + 4 + 1; // a Stream's iterator looks one ahead
        assertTrue(Files.size(made) <= limit, "made " + Files.size(made));
        stream.close();
        assertFalse(stream.hasNext());
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!Files.exists(closed)) {
            assertTrue(System.nanoTime() < deadline, "the task's stream was not closed");
            Thread.onSpinWait();
        }
        assertTrue(Files.size(made) <= limit);
    }

    @Test
    void aStreamWhoseWorkerEndsGoesOnWhereItWas() {
        String mark = folder.resolve("crashed").toString();
        assertEquals(
                List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L),
                all(Bowstring.task(Streams::crashing, mark).stream(Long.class)));
        assertTrue(Files.exists(Path.of(mark)));
    }

    @Test
    void referencesInItemsStayGood() {
        List<ObjectRef<Long>> given = List.of(Bowstring.put(1L), Bowstring.put(2L));
        long sum = 0;
        for (Object item : all(Bowstring.task(Streams::refs, given).stream(Object.class))) {
            sum += (Long) assertInstanceOf(ObjectRef.class, item).get();
        }
        assertEquals(3, sum);
    }

    @Test
    void aPublisherGivesWhatIsAskedForAndCompletes() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        List<Long> values = java.util.Collections.synchronizedList(new ArrayList<>());
        AtomicReference<Throwable> failed = new AtomicReference<>();
        Flow.Publisher<Long> publisher = Bowstring.task(Streams::upTo, 50L).stream(Long.class).publisher();
        publisher.subscribe(new Flow.Subscriber<>() {
            private Flow.Subscription subscription;

            @Override
            public void onSubscribe(Flow.Subscription given) {
                subscription = given;
                given.request(1);
            }

            @Override
            public void onNext(Long value) {
                values.add(value);
                subscription.request(1);
            }

            @Override
            public void onError(Throwable error) {
                failed.set(error);
                done.countDown();
            }

            @Override
            public void onComplete() {
                done.countDown();
            }
        });
        assertTrue(done.await(30, TimeUnit.SECONDS));
        assertEquals(null, failed.get());
        assertEquals(50, values.size());
        assertEquals(49, values.get(49));
    }

    @Test
    void aPublisherTellsTheError() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        AtomicReference<Throwable> failed = new AtomicReference<>();
        Bowstring.task(Streams::failing).stream(Long.class).publisher().subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription given) {
                given.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(Long value) {}

            @Override
            public void onError(Throwable error) {
                failed.set(error);
                done.countDown();
            }

            @Override
            public void onComplete() {
                done.countDown();
            }
        });
        assertTrue(done.await(30, TimeUnit.SECONDS));
        assertInstanceOf(TaskException.class, failed.get());
    }
}
