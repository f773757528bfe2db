package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.NodeDiedException;
import io.bowstring.errors.OutOfMemoryException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.errors.TaskUnschedulableException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LifeTest {
    private static Bowstring.Runtime start() {
        return Bowstring.init(InitOptions.builder().setNumCpus(1).build());
    }

    @Test
    void theEndOfTheNodeEndsEveryWait() {
        Bowstring.Runtime runtime = start();
        ObjectRef<Integer> slow = Bowstring.task(Calculator::sleep, 60_000).remote();
        assertEquals(0, Bowstring.wait(java.util.List.of(slow), 1, Duration.ofMillis(200)).ready().size());
        ProcessHandle.current().children()
                .filter(child -> child.info().commandLine().orElse("").contains("bowstring_core.node"))
                .forEach(ProcessHandle::destroyForcibly);
        assertThrows(NodeDiedException.class, slow::get);
        assertThrows(NodeDiedException.class, () -> Bowstring.task(Calculator::nothing).remote());
        runtime.close();
        assertFalse(Bowstring.isInitialized());
    }

    @Test
    void shutdownLeavesNoProcessAndNoFolder() {
        Bowstring.Runtime runtime = start();
        assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
        Path folder = Path.of(Bowstring.getRuntimeContext().sessionPath());
        assertTrue(Files.exists(folder));
        runtime.close();
        assertFalse(Files.exists(folder));
        assertTrue(ProcessHandle.allProcesses()
                .noneMatch(each -> each.info().commandLine().orElse("").contains(folder.toString())));
    }

    @Test
    void anAddressThatIsNoSessionIsSaid(@TempDir Path folder) throws Exception {
        InitOptions options = InitOptions.builder().setAddress(folder.toString()).build();
        InvalidArgumentException error = assertThrows(InvalidArgumentException.class, () -> Bowstring.init(options));
        assertTrue(error.getMessage().contains("no session's folder"), error.getMessage());
        Files.write(folder.resolve("token"), new byte[32]);
        assertThrows(NodeDiedException.class, () -> Bowstring.init(options));
        assertFalse(Bowstring.isInitialized());
    }

    @Test
    void aNodeThatSaysNothingIsGivenUp(@TempDir Path folder) throws Exception {
        Files.write(folder.resolve("token"), new byte[32]);
        InitOptions options = InitOptions.builder().setAddress(folder.toString()).build();
        try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            silent.bind(UnixDomainSocketAddress.of(folder.resolve("node.sock")), 8);
            RuntimeStoppedException error =
                    assertThrows(RuntimeStoppedException.class, () -> Bowstring.init(options));
            assertTrue(error.getMessage().contains(folder + " takes connections and does not answer"), error.getMessage());
        }
        assertFalse(Bowstring.isInitialized());
    }

    @Test
    void aNodeWhoseQueueIsFullIsGivenUp(@TempDir Path folder) throws Exception {
        Files.write(folder.resolve("token"), new byte[32]);
        InitOptions options = InitOptions.builder().setAddress(folder.toString()).build();
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("node.sock"));
        List<SocketChannel> queue = new ArrayList<>();
        try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            silent.bind(address, 1);
            boolean connected;
            do {
                SocketChannel one = SocketChannel.open(StandardProtocolFamily.UNIX);
                queue.add(one);
                one.configureBlocking(false);
                try {
                    connected = one.connect(address);
                } catch (SocketException full) { // some versions of Java throw, others say that it is pending
                    connected = false;
                }
            } while (connected);
            RuntimeStoppedException error =
                    assertThrows(RuntimeStoppedException.class, () -> Bowstring.init(options));
            assertTrue(error.getMessage().contains("takes no connection now"), error.getMessage());
        } finally {
            for (SocketChannel one : queue) {
                one.close();
            }
        }
    }

    @Test
    void whatCanNeverRunIsSaidAtOnce() {
        try (Bowstring.Runtime runtime = start()) {
            assertThrows(TaskUnschedulableException.class,
                    () -> Bowstring.task(Calculator::nothing).setNumCpus(99).remote().get());
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class,
                    () -> Bowstring.task(Calculator::nothing).setResource("disk", -1));
            assertTrue(error.getMessage().contains("disk"), error.getMessage());
        }
    }

    @Test
    void aTaskBeyondItsMemoryIsEndedWithUsageAndLimit() {
        try (Bowstring.Runtime runtime = start()) {
            OutOfMemoryException error = assertThrows(OutOfMemoryException.class, () ->
                    Bowstring.task(Calculator::hold, 300).setMemory(128L << 20).setMaxRetries(0).remote().get());
            assertTrue(error.getMessage().contains("its limit is 128 MiB (memory=134217728)"), error.getMessage());
            assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
        }
    }

    @Test
    void aRuntimeCanBeStartedAgainAndKnowsWhatIsNotIts() {
        ObjectRef<Integer> old;
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            old = Bowstring.put(1);
            assertThrows(InvalidArgumentException.class, Bowstring::init);
        }
        assertEquals(false, Bowstring.isInitialized());
        assertThrows(RuntimeStoppedException.class, () -> Bowstring.put(1));
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            assertThrows(InvalidArgumentException.class, () -> Bowstring.task(Calculator::add, old, old).remote());
        }
    }
}
