package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

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
}
