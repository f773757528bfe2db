package flights;

/** Keeps the weights and takes steps of descent with momentum; the twin of the class in pipeline.py. */
public final class ParameterServer {
    private final double rate;
    private final double momentum;
    private final double[] weights;
    private final double[] speed;
    private final double[] sum;
    private double largest = Double.POSITIVE_INFINITY;

    public ParameterServer(int size, double rate, double momentum) {
        this.rate = rate;
        this.momentum = momentum;
        weights = new double[size];
        speed = new double[size];
        sum = new double[size];
    }

    /** Adds a shard's part of the gradient. */
    public void add(double[] gradient) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += gradient[i];
        }
    }

    /** Takes a step along what was added, and answers with the new weights. */
    public double[] step() {
        largest = 0;
        for (int i = 0; i < sum.length; i++) {
            largest = Math.max(largest, Math.abs(sum[i]));
            speed[i] = momentum * speed[i] - rate * sum[i];
            weights[i] += speed[i];
            sum[i] = 0;
        }
        return weights.clone();
    }

    /** The largest component of the gradient of the last step. */
    public double largest_gradient() {
        return largest;
    }
}
