import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.testkit.Testkit;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.FieldType;

/** A plain driver, without any flag of the JVM: each line is what a part of the library gave. */
public final class Versions {
    private static final int ROWS = 100_000;

    public static String version() {
        return System.getProperty("java.specification.version");
    }

    public static long square(long number) {
        return number * number;
    }

    /** An actor. */
    public static final class Counter {
        private int count;

        public Counter() {}

        public int add(int number) {
            return count += number;
        }
    }

    public static long total(ArrowValue table) {
        long total = 0;
        for (VectorSchemaRoot batch : table.batches()) {
            BigIntVector numbers = (BigIntVector) batch.getVector("number");
            for (int row = 0; row < batch.getRowCount(); row++) {
                total += numbers.get(row);
            }
        }
        return total;
    }

    public static String words(ArrowValue table) {
        List<String> words = new ArrayList<>();
        FieldVector where = table.root().getVector("where");
        try (ValueVector decoded = DictionaryEncoder.decode(where, table.dictionaries().lookup(1))) {
            for (int row = 0; row < decoded.getValueCount(); row++) {
                words.add(String.valueOf(decoded.getObject(row)));
            }
        }
        return String.join(" ", words);
    }

    private static void all() {
        List<ObjectRef<Long>> squares = new ArrayList<>();
        for (long number = 1; number <= 20; number++) {
            squares.add(Bowstring.task(Versions::square, number).remote());
        }
        System.out.println("tasks " + Bowstring.get(squares).stream().mapToLong(each -> each).sum());
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new).remote();
        counter.task(Counter::add, 3).remote();
        System.out.println("actor " + counter.task(Counter::add, 4).remote().get());
        counter.kill();
        put();
        arena();
    }

    private static void put() {
        try (RootAllocator memory = new RootAllocator();
                BigIntVector numbers = new BigIntVector("number", memory)) {
            numbers.allocateNew(ROWS);
            for (int row = 0; row < ROWS; row++) {
                numbers.set(row, row);
            }
            numbers.setValueCount(ROWS);
            ObjectRef<ArrowValue> table = Bowstring.put(ArrowValue.of(VectorSchemaRoot.of(numbers)));
            System.out.println("table " + Bowstring.task(Versions::total, table).remote().get());
            try (ArrowValue read = table.get()) {
                System.out.println("read " + total(read));
            }
        }
    }

    private static void arena() {
        DictionaryEncoding encoding = new DictionaryEncoding(1, false, new ArrowType.Int(8, true));
        try (ArrowArena arena = ArrowArena.allocate(1 << 20);
                VarCharVector names = new VarCharVector("names", arena.allocator())) {
            names.allocateNew(100, 2);
            names.set(0, "north".getBytes());
            names.set(1, "south".getBytes());
            names.setValueCount(2);
            arena.nextPart();
            FieldType indices = new FieldType(true, encoding.getIndexType(), encoding);
            try (TinyIntVector where = new TinyIntVector("where", indices, arena.allocator())) {
                where.allocateNew(3);
                where.set(0, 1);
                where.set(1, 0);
                where.set(2, 1);
                where.setValueCount(3);
                MapDictionaryProvider provider = new MapDictionaryProvider(new Dictionary(names, encoding));
                ObjectRef<ArrowValue> table = arena.put(ArrowValue.of(List.of(VectorSchemaRoot.of(where)), provider));
                System.out.println("arena " + Bowstring.task(Versions::words, table).remote().get());
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build())) {
            System.out.println(version() + " " + Bowstring.task(Versions::version).remote().get());
            all();
        }
        try (Testkit kit = Testkit.start()) {
            all();
        }
    }
}
