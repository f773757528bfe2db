package io.bowstring.internal.value;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import java.lang.reflect.Type;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** References, alone and in containers, as parameters declare them. */
class ConversionsTest {
    private static final class Held extends HeldRef<Object> {
        private static final long serialVersionUID = 1L;
        private final transient Object value;

        Held(Object value, @Nullable Type type) {
            super(type);
            this.value = value;
        }

        @Override
        protected Object key() {
            return value;
        }

        @Override
        protected @Nullable Object read(long timeoutNs) {
            Type type = type();
            return type == null ? value : Conversions.convert(value, type);
        }

        @Override
        protected CompletableFuture<@Nullable Object> future() {
            return CompletableFuture.completedFuture(value);
        }

        @Override
        protected void letGo() {}

        @Override
        protected HeldRef<?> typed(Type wanted) {
            return new Held(value, wanted);
        }
    }

    @SuppressWarnings("unused") // their parameters are what values are converted to
    private interface Declared {
        void linked(LinkedList<ObjectRef<Integer>> refs);

        void deque(Deque<ObjectRef<Integer>> refs);

        void queue(Queue<ObjectRef<Integer>> refs);

        void set(Set<ObjectRef<Integer>> refs);

        void sortedSet(SortedSet<ObjectRef<Integer>> refs);

        void sortedMap(SortedMap<String, ObjectRef<Integer>> refs);

        void map(Map<String, ObjectRef<Integer>> refs);

        void nested(Map<String, Deque<ObjectRef<Integer>>> refs);

        void list(List<ObjectRef<Integer>> refs);

        void numbers(Collection<Integer> numbers);

        void queueOfNumbers(Queue<Integer> numbers);

        void refOfList(ObjectRef<List<Integer>> ref);
    }

    private static @Nullable Object convert(Object value, String method) {
        Type type = Arrays.stream(Declared.class.getDeclaredMethods())
                .filter(each -> each.getName().equals(method))
                .findFirst().orElseThrow().getGenericParameterTypes()[0];
        Object converted = Conversions.convert(value, type);
        assertTrue(Conversions.erase(type).isInstance(converted), method);
        return converted;
    }

    private static Object read(@Nullable Object ref) {
        return ((ObjectRef<?>) ref).get();
    }

    @Test
    void collectionsOfReferencesKeepTheirClassAndOrder() {
        List<Held> refs = List.of(new Held(3L, null), new Held(1L, Object.class), new Held(2L, String.class));
        List<Integer> values = List.of(3, 1, 2);
        for (String method : List.of("linked", "deque", "queue", "list")) {
            LinkedList<?> linked = assertInstanceOf(LinkedList.class, convert(new LinkedList<>(refs), method));
            assertEquals(values, linked.stream().map(ConversionsTest::read).toList());
        }
        ArrayDeque<?> deque = assertInstanceOf(ArrayDeque.class, convert(new ArrayDeque<>(refs), "deque"));
        assertEquals(values, deque.stream().map(ConversionsTest::read).toList());
        assertEquals(values, ((List<?>) convert(refs, "list")).stream().map(ConversionsTest::read).toList());
        Comparator<ObjectRef<?>> backwards = Comparator.<ObjectRef<?>, String>comparing(ObjectRef::id).reversed();
        TreeSet<ObjectRef<?>> sorted = new TreeSet<>(backwards);
        sorted.addAll(refs);
        for (String method : List.of("set", "sortedSet")) {
            TreeSet<?> converted = assertInstanceOf(TreeSet.class, convert(sorted, method));
            assertSame(backwards, converted.comparator());
            assertEquals(List.of(3, 2, 1), converted.stream().map(ConversionsTest::read).toList());
        }
        assertEquals(3L, read(refs.get(0)), "what came is as it was");
    }

    @Test
    void mapsOfReferencesKeepTheirClassAndOrder() {
        TreeMap<String, Object> sorted = new TreeMap<>(Comparator.reverseOrder());
        sorted.putAll(Map.of("a", new Held(1L, null), "b", new Held(2L, null)));
        for (String method : List.of("map", "sortedMap")) {
            TreeMap<?, ?> converted = assertInstanceOf(TreeMap.class, convert(sorted, method));
            assertEquals(List.of("b", "a"), List.copyOf(converted.keySet()));
            assertEquals(2, read(converted.get("b")));
        }
        Map<?, ?> nested = (Map<?, ?>) convert(Map.of("x", new LinkedList<>(sorted.values())), "nested");
        assertEquals(2, read(((Deque<?>) nested.get("x")).getFirst()));
    }

    @Test
    void whatFitsAlreadyIsNotCopied() {
        List<Held> typed = new LinkedList<>(List.of(new Held(1L, Integer.class)));
        assertSame(typed, convert(typed, "deque"));
    }

    @Test
    void aContainerThatHasNoCopyIsKeptIfAPlainOneDoesNotFit() {
        Queue<Held> queue = new ConcurrentLinkedQueue<>(List.of(new Held(1L, null)));
        assertSame(queue, convert(queue, "queue"));
        InvalidArgumentException error = assertThrows(InvalidArgumentException.class,
                () -> convert(new ConcurrentLinkedQueue<>(List.of(1L)), "queueOfNumbers"));
        assertTrue(error.getMessage().contains("ConcurrentLinkedQueue does not fit java.util.Queue<java.lang.Integer>"),
                error.getMessage());
    }

    @Test
    void numbersInASortedSetAreNotComparedByWhatComparesOthers() {
        SortedSet<Long> numbers = new TreeSet<>(Comparator.comparingLong(Long::longValue).reversed());
        numbers.addAll(List.of(1L, 2L));
        assertEquals(List.of(2, 1), new ArrayList<>((Collection<?>) convert(numbers, "numbers")));
    }

    @Test
    void aReferenceIsReadWithTheElementsThatAreDeclared() {
        for (Type known : new Type[] {null, List.class, Object.class, ArrayList.class}) {
            Held came = new Held(List.of(1L, 2L), known);
            Object converted = convert(came, "refOfList");
            assertEquals(List.of(1, 2), read(converted), () -> "known as " + known);
            assertNotSame(came, converted);
            assertSame(converted, convert(converted, "refOfList"));
        }
    }
}
