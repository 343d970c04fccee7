package io.github.tpdiff.runtime.graph;

import com.google.common.math.LongMath;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A tensor extent: an integer polynomial over symbols such as {@code batch} or {@code frames} and
 * floor quotients such as {@code floor(height / 2)}.
 *
 * <p>Kept in normal form, so two dims that are equal as polynomials are equal as objects; that is
 * what lets {@code (height + 2 - 3) / 1 + 1} be seen to equal {@code height}.
 */
public final class Dim {
  /** A factor of a term: a symbol or a floor quotient. */
  public sealed interface Atom permits Symbol, Quotient {}

  /** A named extent that is bound when the graph runs. */
  public record Symbol(String name) implements Atom {
    public Symbol {
      if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
        throw new GraphException(
            "symbol: expected letters, digits and underscores, found '" + name + "'");
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** {@code floor(numerator / divisor)}, divisor at least 2. */
  public record Quotient(Dim numerator, long divisor) implements Atom {
    @Override
    public String toString() {
      return "(" + numerator + ")/" + divisor;
    }
  }

  /** {@code coefficient} times the product of {@code atoms}. */
  public record Term(long coefficient, List<Atom> atoms) {}

  private static final Comparator<List<Atom>> BY_TEXT =
      Comparator.<List<Atom>>comparingInt(List::size).reversed().thenComparing(Object::toString);

  private final List<Term> terms;

  private Dim(Map<List<Atom>, Long> polynomial) {
    var list = new ArrayList<Term>();
    polynomial.forEach(
        (atoms, coefficient) -> {
          if (coefficient != 0) {
            list.add(new Term(coefficient, atoms));
          }
        });
    this.terms = List.copyOf(list);
  }

  public static Dim of(long value) {
    var polynomial = polynomial();
    polynomial.put(List.of(), value);
    return new Dim(polynomial);
  }

  public static Dim symbol(String name) {
    return ofAtom(new Symbol(name));
  }

  private static Dim ofAtom(Atom atom) {
    var polynomial = polynomial();
    polynomial.put(List.of(atom), 1L);
    return new Dim(polynomial);
  }

  private static Map<List<Atom>, Long> polynomial() {
    return new TreeMap<>(BY_TEXT);
  }

  private Map<List<Atom>, Long> toPolynomial() {
    var polynomial = polynomial();
    terms.forEach(t -> polynomial.put(t.atoms(), t.coefficient()));
    return polynomial;
  }

  public Dim plus(Dim other) {
    var sum = toPolynomial();
    other.terms.forEach(t -> sum.merge(t.atoms(), t.coefficient(), Math::addExact));
    return new Dim(sum);
  }

  public Dim plus(long value) {
    return plus(of(value));
  }

  public Dim minus(Dim other) {
    return plus(other.times(-1));
  }

  public Dim times(Dim other) {
    var product = polynomial();
    for (Term a : terms) {
      for (Term b : other.terms) {
        var atoms = new ArrayList<>(a.atoms());
        atoms.addAll(b.atoms());
        atoms.sort(Comparator.comparing(Object::toString));
        product.merge(
            List.copyOf(atoms),
            Math.multiplyExact(a.coefficient(), b.coefficient()),
            Math::addExact);
      }
    }
    return new Dim(product);
  }

  public Dim times(long value) {
    return times(of(value));
  }

  /** {@code floor(this / divisor)}; what divides evenly is taken out of the quotient. */
  public Dim dividedBy(long divisor) {
    if (divisor < 1) {
      throw new GraphException("dim " + this + ": divisor must be at least 1, found " + divisor);
    }
    var whole = polynomial();
    var rest = polynomial();
    for (Term t : terms) {
      long q = Math.floorDiv(t.coefficient(), divisor);
      long r = Math.floorMod(t.coefficient(), divisor);
      whole.put(t.atoms(), q);
      rest.put(t.atoms(), r);
    }
    Dim remainder = new Dim(rest);
    Dim quotient = new Dim(whole);
    if (remainder.isFixed()) {
      return quotient; // 0 <= remainder < divisor
    }
    return quotient.plus(remainder.reducedQuotient(divisor));
  }

  /** floor((g·m + c) / (g·d)) = floor((m + floor(c / g)) / d): common factors leave. */
  private Dim reducedQuotient(long divisor) {
    long common = divisor;
    for (Term t : terms) {
      common = t.atoms().isEmpty() ? common : LongMath.gcd(common, t.coefficient());
    }
    var reduced = polynomial();
    for (Term t : terms) {
      reduced.put(t.atoms(), Math.floorDiv(t.coefficient(), common));
    }
    Dim numerator = new Dim(reduced);
    return common == divisor ? numerator : ofAtom(new Quotient(numerator, divisor / common));
  }

  public boolean isFixed() {
    return terms.isEmpty() || (terms.size() == 1 && terms.get(0).atoms().isEmpty());
  }

  /** The value of a fixed dim. */
  public long value() {
    if (!isFixed()) {
      throw new GraphException("dim " + this + " is symbolic, a fixed one was expected");
    }
    return terms.isEmpty() ? 0 : terms.get(0).coefficient();
  }

  public boolean is(long value) {
    return isFixed() && value() == value;
  }

  /** The symbol's name if this dim is exactly one symbol, else empty. */
  public Optional<String> asSymbol() {
    if (terms.size() == 1
        && terms.get(0).coefficient() == 1
        && terms.get(0).atoms().size() == 1
        && terms.get(0).atoms().get(0) instanceof Symbol symbol) {
      return Optional.of(symbol.name());
    }
    return Optional.empty();
  }

  /** The normal form: sum of these terms, none with coefficient 0. */
  public List<Term> terms() {
    return terms;
  }

  public Set<String> symbols() {
    var names = new TreeSet<String>();
    for (Term t : terms) {
      for (Atom atom : t.atoms()) {
        if (atom instanceof Symbol symbol) {
          names.add(symbol.name());
        } else if (atom instanceof Quotient quotient) {
          names.addAll(quotient.numerator().symbols());
        }
      }
    }
    return names;
  }

  /**
   * The value under {@code binding}.
   *
   * @throws GraphException if a symbol is not bound or the value overflows
   */
  public long evaluate(Map<String, Long> binding) {
    try {
      long sum = 0;
      for (Term t : terms) {
        long product = t.coefficient();
        for (Atom atom : t.atoms()) {
          product = Math.multiplyExact(product, evaluate(atom, binding));
        }
        sum = Math.addExact(sum, product);
      }
      return sum;
    } catch (ArithmeticException overflow) {
      throw new GraphException("dim " + this + " exceeds 2^63 - 1 with " + binding);
    }
  }

  private static long evaluate(Atom atom, Map<String, Long> binding) {
    if (atom instanceof Quotient quotient) {
      return Math.floorDiv(quotient.numerator().evaluate(binding), quotient.divisor());
    }
    Long value = binding.get(((Symbol) atom).name());
    if (value == null) {
      throw new GraphException("symbol " + atom + " is not bound; bound are " + binding.keySet());
    }
    return value;
  }

  /** This dim with symbols replaced by what they stand for; others stay. */
  public Dim substitute(Map<String, Dim> meanings) {
    Dim sum = of(0);
    for (Term t : terms) {
      Dim product = of(t.coefficient());
      for (Atom atom : t.atoms()) {
        product = product.times(substitute(atom, meanings));
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  private static Dim substitute(Atom atom, Map<String, Dim> meanings) {
    if (atom instanceof Quotient quotient) {
      return quotient.numerator().substitute(meanings).dividedBy(quotient.divisor());
    }
    return meanings.getOrDefault(((Symbol) atom).name(), ofAtom(atom));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Dim dim && terms.equals(dim.terms);
  }

  @Override
  public int hashCode() {
    return terms.hashCode();
  }

  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    var parts = new ArrayList<String>();
    for (Term t : terms) {
      var factors = new ArrayList<String>();
      if (t.coefficient() != 1 || t.atoms().isEmpty()) {
        factors.add(Long.toString(t.coefficient()));
      }
      t.atoms().forEach(a -> factors.add(a.toString()));
      parts.add(String.join("*", factors));
    }
    return String.join("+", Collections.unmodifiableList(parts));
  }
}
