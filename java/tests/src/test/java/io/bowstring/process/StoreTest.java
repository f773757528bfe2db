package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.Bowstring;
import io.bowstring.ElementType;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.Tensor;
import io.bowstring.TensorBuffer;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ObjectStoreFullException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StoreTest {
    @Test
    void memoryOfForgottenReferencesIsUsedAgain() {
        try (Bowstring.Runtime runtime =
                Bowstring.init(InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20).build())) {
            double[] values = Calculator.ramp(1 << 17);
            for (int i = 0; i < 400; i++) {
                values[0] = i;
                double[] back = Bowstring.put(values).get();
                assertEquals(i, back[0]);
            }
            for (int i = 0; i < 50_000; i++) {
                assertEquals(i, Bowstring.put(i).get());
            }
        }
    }

    @Test
    void whatTheStoreHasNoRoomForGoesToDiskAndComesBack(@TempDir Path folder) throws Exception {
        InitOptions.Builder options = InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20);
        try (Bowstring.Runtime runtime = Bowstring.init(options.setSpillDirectory(folder.toString()).build())) {
            double[] values = Calculator.ramp(1 << 20);
            List<ObjectRef<double[]>> refs = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                values[0] = i;
                refs.add(Bowstring.put(values));
            }
            for (int i = 0; i < 20; i++) {
                assertEquals(i, refs.get(i).get()[0]);
            }
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(0, files.count());
            }
        }
    }

    @Test
    void withoutADiskAFullStoreRefuses() {
        InitOptions.Builder options = InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20);
        try (Bowstring.Runtime runtime = Bowstring.init(options.setSpillBytesMax(0).setMemoryReserve(0).build())) {
            double[] values = Calculator.ramp(1 << 20);
            List<ObjectRef<double[]>> refs = new ArrayList<>();
            assertThrows(ObjectStoreFullException.class, () -> {
                for (int i = 0; i < 20; i++) {
                    refs.add(Bowstring.put(values));
                }
            });
            assertEquals(1000, refs.get(0).get()[1000]);
        }
    }

    @Test
    void aViewKeepsItsMemoryAfterItsReference() {
        try (Bowstring.Runtime runtime =
                Bowstring.init(InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20).build())) {
            List<Tensor> views = new ArrayList<>();
            double[] values = Calculator.ramp(1 << 17);
            for (int i = 0; i < 20; i++) {
                values[0] = i;
                ObjectRef<Object> ref = Bowstring.put((Object) Tensor.of(values));
                views.add((Tensor) ref.get());
            }
            System.gc();
            for (int i = 0; i < 100; i++) {
                Bowstring.put(values).get();
            }
            for (int i = 0; i < 20; i++) {
                assertEquals(i, views.get(i).getDouble(0));
                assertEquals(1000, views.get(i).getDouble(1000));
            }
        }
    }

    @Test
    void aClosedViewGivesItsMemoryBackAtOnce() {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1)
                .setObjectStoreMemory(64L << 20).setSpillBytesMax(0).setMemoryReserve(0).build())) {
            double[] values = Calculator.ramp(2 << 20);
            List<Object> unclosed = new ArrayList<>(); // reachable: no collector lets them go
            for (int i = 0; i < 20; i++) {
                values[0] = i;
                ObjectRef<Object> ref = Bowstring.put((Object) Tensor.of(values));
                Tensor view = (Tensor) ref.get();
                ref.release();
                assertEquals(i, view.getDouble(0));
                view.close();
                unclosed.add(view);
                assertThrows(InvalidArgumentException.class, () -> view.getDouble(0));
            }
        }
    }

    @Test
    void viewsInOneValueGiveItsMemoryBackTogether() {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1)
                .setObjectStoreMemory(64L << 20).setSpillBytesMax(0).setMemoryReserve(0).build())) {
            double[] values = Calculator.ramp(1 << 20);
            List<Object> reachable = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                values[0] = i;
                ObjectRef<Object> ref = Bowstring.put((Object) new ArrayList<>(List.of(Tensor.of(values), Tensor.of(values))));
                List<?> views = (List<?>) ref.get();
                ref.release();
                ((Tensor) views.get(0)).close();
                assertEquals(i, ((Tensor) views.get(1)).getDouble(0));
                ((Tensor) views.get(1)).close();
                reachable.add(views);
            }
        }
    }

    @Test
    void bytesAreReadAsAViewWhereABufferIsWanted() {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            byte[] bytes = new byte[1 << 20];
            bytes[9] = 9;
            ObjectRef<ByteBuffer> ref = Bowstring.put(ByteBuffer.wrap(bytes));
            ByteBuffer view = ref.get();
            assertTrue(view.isDirect() && view.isReadOnly());
            assertEquals(ByteBuffer.wrap(bytes), view);
            assertEquals(9, Bowstring.task(StoreTest::ninth, ref).remote().get());
            assertEquals(9, Bowstring.task(StoreTest::ninth, ByteBuffer.wrap(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 9}))
                    .remote().get());
        }
    }

    @Test
    void aReferenceIsReadAsAnotherTypeAndHoldsItsObject() {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            for (int size : new int[] {3, 1 << 20}) {
                ObjectRef<double[]> ref = Bowstring.put(Calculator.ramp(size));
                ObjectRef<Tensor> view = ref.as(Tensor.class);
                ref.release();
                assertThrows(InvalidArgumentException.class, () -> ref.as(Tensor.class));
                try (Tensor tensor = view.get()) {
                    assertEquals(size - 1, tensor.getDouble(size - 1));
                }
                ObjectRef<String> misfit = view.as(String.class);
                assertThrows(InvalidArgumentException.class, misfit::get);
            }
        }
    }

    public static int ninth(ByteBuffer bytes) {
        if (!bytes.isReadOnly()) {
            throw new IllegalStateException("not a view");
        }
        return bytes.get(9);
    }

    @Test
    void aTensorThatWasBuiltInTheStoreIsReadThereOnceItWasPut() {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build());
                TensorBuffer building = TensorBuffer.allocate(ElementType.INT64, 4096)) {
            building.buffer().putLong(8, 7);
            ObjectRef<Tensor> ref = building.put();
            assertTrue(building.buffer().isReadOnly());
            assertEquals(7, building.buffer().getLong(8));
            assertEquals(7, ref.get().getLong(1));
            assertThrows(InvalidArgumentException.class, building::put);
            building.close();
            assertThrows(InvalidArgumentException.class, building::buffer);
        }
    }

    @Test
    void memoryThatIsClosedAfterTheRuntimeIsNoError() {
        TensorBuffer tensor;
        TensorBuffer put;
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build())) {
            tensor = TensorBuffer.allocate(ElementType.INT8, 1 << 20);
            put = TensorBuffer.allocate(ElementType.INT8, 1 << 20);
            put.put();
            put.buffer();
        }
        tensor.close();
        put.close();
    }

    @Test
    void aReleasedReferenceGivesItsMemoryBackAtOnce() {
        try (Bowstring.Runtime runtime =
                Bowstring.init(InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20).build())) {
            byte[] large = new byte[40 << 20];
            for (int i = 0; i < 10; i++) {
                large[7] = (byte) i;
                ObjectRef<byte[]> ref = Bowstring.put(large);
                assertEquals(i, ref.get()[7]);
                ref.release();
                ref.release();
                InvalidArgumentException error = assertThrows(InvalidArgumentException.class, ref::get);
                assertTrue(error.getMessage().contains("was released"), error.getMessage());
            }
        }
    }

    @Test
    void anArrayThatIsReadKeepsNoMemoryOfTheStore() {
        try (Bowstring.Runtime runtime =
                Bowstring.init(InitOptions.builder().setNumCpus(1).setObjectStoreMemory(64L << 20).build())) {
            List<double[]> read = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                ObjectRef<double[]> ref = Bowstring.put(Calculator.ramp(5 << 20));
                read.add(ref.get());
                ref.release();
            }
            assertEquals(1000, read.get(0)[1000]);
        }
    }
}
