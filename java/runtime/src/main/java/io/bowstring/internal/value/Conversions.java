package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.errors.InvalidArgumentException;
import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;

/** Converts values to declared types, without loss or not at all (spec section 3.6, rule 4). */
public final class Conversions {
    private static final long FLOAT_EXACT_MAX = 1L << 24;
    private static final long DOUBLE_EXACT_MAX = 1L << 53;

    // Elements that arrays of Java's hold without loss.
    private static final Set<ElementType> BYTES = EnumSet.of(ElementType.INT8, ElementType.UINT8);
    private static final Set<ElementType> SHORTS = with(BYTES, ElementType.INT16, ElementType.UINT16);
    private static final Set<ElementType> INTS = with(SHORTS, ElementType.INT32, ElementType.UINT32);
    private static final Set<ElementType> LONGS = with(INTS, ElementType.INT64);
    private static final Set<ElementType> DOUBLES =
            with(INTS, ElementType.FLOAT16, ElementType.FLOAT32, ElementType.FLOAT64);

    private static Set<ElementType> with(Set<ElementType> some, ElementType... more) {
        Set<ElementType> all = EnumSet.copyOf(some);
        all.addAll(List.of(more));
        return all;
    }

    /** How well a value fits a declared type: 0 is as it is; greater is further; negative: not at all. */
    public static int distance(@Nullable Object value, Type type) {
        Class<?> wanted = box(erase(type));
        if (value != null && wanted == value.getClass()) {
            return 0;
        }
        try {
            Object converted = convert(value, type);
            if (value instanceof Byte || value instanceof Short || value instanceof Integer) {
                return widening((Number) value, wanted);
            }
            if (converted != value) {
                return value instanceof Long && wanted != Integer.class ? 3 : 2;
            }
            return 1;
        } catch (InvalidArgumentException misfit) {
            return -1;
        }
    }

    /** Java's own order: the next wider integers first, then floats, then what is no number; last what is narrower. */
    private static int widening(Number value, Class<?> wanted) {
        List<Class<?>> integers = List.of(Byte.class, Short.class, Integer.class, Long.class);
        int steps = integers.indexOf(wanted) - integers.indexOf(value.getClass());
        if (integers.contains(wanted)) {
            return steps > 0 ? steps : 8;
        }
        return wanted == Float.class || wanted == Double.class ? 5 : 6;
    }

    /**
     * The value as the declared type.
     *
     * @throws InvalidArgumentException if it does not fit; the message says why, without naming the argument
     */
    public static @Nullable Object convert(@Nullable Object value, Type type) {
        Class<?> declared = erase(type);
        if (value == null) {
            if (declared.isPrimitive() && declared != void.class) {
                throw new InvalidArgumentException("null is no " + declared.getName());
            }
            return null;
        }
        // A reference to what was put knows its class, and no class of ByteBuffer's own can be made to order.
        Class<?> wanted = ByteBuffer.class.isAssignableFrom(declared) ? ByteBuffer.class : box(declared);
        if (wanted.isInstance(value)) {
            return elements(value, type);
        }
        Object converted = null;
        if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) {
            converted = integer(((Number) value).longValue(), wanted);
        } else if (value instanceof Double || value instanceof Float) {
            converted = floating(((Number) value).doubleValue(), wanted);
        } else if (value instanceof String text && wanted == Character.class && text.length() == 1) {
            converted = text.charAt(0);
        } else if (value instanceof Character letter && wanted == String.class) {
            converted = letter.toString();
        } else if (value instanceof byte[] bytes && wanted == ByteBuffer.class) {
            converted = ByteBuffer.wrap(bytes).asReadOnlyBuffer();
        } else if (value instanceof ByteBuffer buffer && wanted == byte[].class) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            converted = bytes;
        } else if (value instanceof Tensor tensor && wanted.isArray()) {
            converted = array(tensor, wanted.getComponentType());
        } else if (value instanceof List<?> list && wanted.isArray()) {
            converted = array(list, type instanceof GenericArrayType generic
                    ? generic.getGenericComponentType() : wanted.getComponentType());
        } else if (value instanceof List<?> list && (wanted == Set.class || wanted == Collection.class)) {
            converted = elements(new LinkedHashSet<>(list), type);
        } else if (wanted == Tensor.class) {
            converted = tensor(value);
        } else if (wanted.isArray()) {
            Tensor elements = tensor(value);
            converted = elements == null ? null : array(elements, wanted.getComponentType());
        }
        if (converted == null) {
            throw new InvalidArgumentException(describe(value) + " does not fit " + type.getTypeName()
                    + (value instanceof Number || value instanceof Tensor && wanted.isArray() ? " without loss" : ""));
        }
        return converted;
    }

    private static String describe(Object value) {
        ElementType element = PrimitiveArrays.element(value);
        if (value instanceof Tensor tensor) {
            return "a tensor of " + tensor.element() + " and shape " + Arrays.toString(tensor.shape());
        } else if (value instanceof List<?> list) {
            return "a list of " + list.size();
        } else if (element != null) {
            return "the array " + value.getClass().getSimpleName();
        }
        return value instanceof Number || value instanceof Boolean
                ? "the value " + value + " (" + value.getClass().getSimpleName() + ")"
                : "a value of " + value.getClass().getTypeName();
    }

    private static @Nullable Object integer(long value, Class<?> wanted) {
        if (wanted == Long.class || wanted == Number.class) {
            return value;
        } else if (wanted == Integer.class && value == (int) value) {
            return (int) value;
        } else if (wanted == Short.class && value == (short) value) {
            return (short) value;
        } else if (wanted == Byte.class && value == (byte) value) {
            return (byte) value;
        } else if (wanted == Double.class && Math.abs(value) <= DOUBLE_EXACT_MAX && value != Long.MIN_VALUE) {
            return (double) value;
        } else if (wanted == Float.class && Math.abs(value) <= FLOAT_EXACT_MAX && value != Long.MIN_VALUE) {
            return (float) value;
        }
        return null;
    }

    private static @Nullable Object floating(double value, Class<?> wanted) {
        if (wanted == Double.class) {
            return value;
        } else if (wanted == Float.class && ((float) value == value || Double.isNaN(value))) {
            return (float) value;
        }
        return null;
    }

    private static @Nullable Tensor tensor(Object value) {
        ElementType element = PrimitiveArrays.element(value);
        if (element == null) {
            return null;
        }
        ValueBuffer buffer = PrimitiveArrays.buffer(value, element);
        ByteBuffer data = ByteBuffer.allocate((int) buffer.length());
        buffer.copyTo(data);
        return Tensor.of(element, new long[] {Array.getLength(value)}, data.flip());
    }

    /** The elements as an array; null: they do not fit without loss. */
    static @Nullable Object array(Tensor tensor, Class<?> component) {
        if (tensor.shape().length > 1) {
            throw new InvalidArgumentException("a tensor of " + tensor.shape().length + " dimensions is no array");
        }
        ElementType element = tensor.element();
        return switch (component.getName()) {
            case "double" -> fits(element, DOUBLES) ? tensor.toDoubleArray() : null;
            case "float" -> switch (element) {
                case FLOAT32, FLOAT16 -> tensor.toFloatArray();
                default -> fits(element, SHORTS) ? copied(tensor, new float[tensor.size()]) : null;
            };
            case "long" -> fits(element, LONGS) ? tensor.toLongArray() : null;
            case "int" -> element == ElementType.INT32
                    ? tensor.toIntArray()
                    : fits(element, SHORTS) ? copied(tensor, new int[tensor.size()]) : null;
            case "short" -> element == ElementType.INT16
                    ? tensor.toShortArray()
                    : fits(element, BYTES) ? copied(tensor, new short[tensor.size()]) : null;
            case "boolean" -> element == ElementType.BOOL ? tensor.toBooleanArray() : null;
            case "byte" -> {
                if (!fits(element, BYTES)) {
                    yield null;
                }
                byte[] bytes = new byte[tensor.size()];
                tensor.buffer().get(bytes);
                yield bytes;
            }
            default -> null;
        };
    }

    private static boolean fits(ElementType element, Set<ElementType> known) {
        return known.contains(element);
    }

    /** An array of a wider type than the tensor's integers. */
    private static Object copied(Tensor tensor, Object array) {
        for (int i = 0; i < tensor.size(); i++) {
            if (array instanceof int[] ints) {
                ints[i] = (int) tensor.getLong(i);
            } else if (array instanceof short[] shorts) {
                shorts[i] = (short) tensor.getLong(i);
            } else {
                ((float[]) array)[i] = tensor.getLong(i);
            }
        }
        return array;
    }

    private static Object array(List<?> list, Type component) {
        Object array = Array.newInstance(erase(component), list.size());
        for (int i = 0; i < list.size(); i++) {
            Array.set(array, i, element(list.get(i), component, "[" + i + "]"));
        }
        return array;
    }

    private static @Nullable Object element(@Nullable Object value, Type type, String place) {
        try {
            return convert(value, type);
        } catch (InvalidArgumentException error) {
            throw new InvalidArgumentException(place + ": " + error.details().message());
        }
    }

    /** Elements of a container whose declared type names theirs, so that a {@code List<Integer>} holds no Long. */
    private static Object elements(Object value, Type type) {
        if (!(type instanceof ParameterizedType parameterized)) {
            return value;
        }
        Type[] arguments = parameterized.getActualTypeArguments();
        if (value instanceof HeldRef<?> reference && arguments.length == 1 && isConcrete(arguments[0])) {
            return isReadAs(reference, arguments[0]) ? value : reference.typed(arguments[0]);
        }
        if (!erase(type).getName().startsWith("java.util.")) {
            return value; // whatever the arguments of a class of the user's stand for
        }
        if (value instanceof Collection<?> items && arguments.length == 1 && isConcrete(arguments[0])) {
            return items(items, parameterized);
        }
        if (value instanceof Map<?, ?> map && arguments.length == 2
                && (isConcrete(arguments[0]) || isConcrete(arguments[1]))) {
            return entries(map, parameterized);
        }
        return value;
    }

    /** Whether a reference's own type is as narrow as the declared one, which may name types of elements too. */
    private static boolean isReadAs(HeldRef<?> reference, Type wanted) {
        Type known = reference.type();
        return known != null && (wanted instanceof ParameterizedType
                ? wanted.equals(known)
                : box(erase(wanted)).isAssignableFrom(box(erase(known))));
    }

    private static Object items(Collection<?> items, ParameterizedType type) {
        List<@Nullable Object> converted = new ArrayList<>(items.size());
        boolean same = true;
        boolean inPlace = true;
        for (Object item : items) {
            Object each = item == null ? null
                    : element(item, type.getActualTypeArguments()[0], "[" + converted.size() + "]");
            same &= each == item;
            inPlace &= takesPlace(each, item);
            converted.add(each);
        }
        if (same) {
            return items;
        }
        if (inPlace || !(items instanceof SortedSet)) {
            Collection<@Nullable Object> copy = copyOf(items);
            if (copy != null) {
                copy.clear();
                copy.addAll(converted);
                return copy;
            }
        }
        return fitting(items instanceof Set ? new LinkedHashSet<>(converted) : converted, items, inPlace, type);
    }

    private static Object entries(Map<?, ?> map, ParameterizedType type) {
        Type[] arguments = type.getActualTypeArguments();
        Map<@Nullable Object, @Nullable Object> converted = new LinkedHashMap<>();
        boolean same = true;
        boolean keysInPlace = true;
        boolean inPlace = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            Object key = entry.getKey();
            Object item = entry.getValue();
            Object newKey = element(key, arguments[0], "the key " + key);
            Object newItem = element(item, arguments[1], "[" + key + "]");
            same &= newKey == key && newItem == item;
            keysInPlace &= takesPlace(newKey, key);
            inPlace &= takesPlace(newItem, item);
            converted.put(newKey, newItem);
        }
        if (same) {
            return map;
        }
        if (keysInPlace || !(map instanceof SortedMap)) {
            Map<@Nullable Object, @Nullable Object> copy = copyOf(map);
            if (copy != null) {
                copy.clear();
                copy.putAll(converted);
                return copy;
            }
        }
        return fitting(converted, map, keysInPlace && inPlace, type);
    }

    /** Whether what an element became is equal to it, so that no container's order changes: a reference is. */
    private static boolean takesPlace(@Nullable Object converted, @Nullable Object element) {
        return converted == element || converted instanceof HeldRef;
    }

    /** A copy of one of Java's own containers, of its class and in its order; null: it has none. */
    @SuppressWarnings("unchecked")
    private static <C> @Nullable C copyOf(Object container) {
        if (!(container instanceof Cloneable) || !container.getClass().getName().startsWith("java.util.")) {
            return null;
        }
        try {
            return (C) container.getClass().getMethod("clone").invoke(container);
        } catch (ReflectiveOperationException hidden) {
            return null;
        }
    }

    /** The plain container if it is what is declared; else the one that came, if only types of references are lost. */
    private static Object fitting(Object plain, Object came, boolean isEqual, Type type) {
        if (erase(type).isInstance(plain)) {
            return plain;
        } else if (isEqual) {
            return came;
        }
        throw new InvalidArgumentException(describe(came) + " does not fit " + type.getTypeName()
                + ": its elements are of other types, and can't be replaced");
    }

    private static boolean isConcrete(Type type) {
        return erase(type) != Object.class;
    }

    /** The class behind a type; of a variable or a wildcard, its bound's. */
    public static Class<?> erase(Type type) {
        if (type instanceof Class<?> known) {
            return known;
        } else if (type instanceof ParameterizedType parameterized) {
            return (Class<?>) parameterized.getRawType();
        } else if (type instanceof GenericArrayType array) {
            return erase(array.getGenericComponentType()).arrayType();
        } else if (type instanceof WildcardType wildcard) {
            return erase(wildcard.getUpperBounds()[0]);
        } else if (type instanceof TypeVariable<?> variable) {
            return erase(variable.getBounds()[0]);
        }
        return Object.class;
    }

    /** Whether a type is of arrays of primitives, however deep: all are copied out of tensors that nobody gets. */
    public static boolean holdsPrimitives(@Nullable Class<?> type) {
        Class<?> inside = type;
        while (inside != null && inside.isArray()) {
            inside = inside.getComponentType();
        }
        return inside != null && inside != type && inside.isPrimitive();
    }

    private static Class<?> box(Class<?> type) {
        return switch (type.getName()) {
            case "boolean" -> Boolean.class;
            case "byte" -> Byte.class;
            case "short" -> Short.class;
            case "int" -> Integer.class;
            case "long" -> Long.class;
            case "float" -> Float.class;
            case "double" -> Double.class;
            case "char" -> Character.class;
            case "void" -> Void.class;
            default -> type;
        };
    }

    private Conversions() {}
}
