// The pages that answer with a number.

export interface AnswerPage {
  id: string;
  /** What the question takes besides the study. */
  query?: string;
  /** What the number looks like. */
  number: RegExp;
  /** The figures below it, in their order, and the columns of the rows behind each. */
  figures: Record<string, string>;
}

const SMALL_MODEL = 'vocabulary=128&contextTokens=64';
const MEMORY_COLUMNS = 'width,item,bytes';

export const ANSWER_PAGES: AnswerPage[] = [
  {
    id: 'fraction',
    number: / %$/,
    figures: {
      'best-fraction':
        'source,parameters,weight_bits,total_tokens,tokens_per_parameter_byte,qat_fraction,' +
        'lower,upper',
      'loss-by-fraction': 'source,total_tokens,qat_fraction,loss_nats',
    },
  },
  {
    id: 'plan',
    number: /^\d\.\d{4}$/,
    figures: {
      widths:
        'width,parameters,qat_fraction,memory_bytes,loss_nats,lower,upper,probability_best,is_best',
      memory: MEMORY_COLUMNS,
      schedule: 'phase,step,learning_rate',
    },
  },
  {
    id: 'surface',
    number: /^\d\.\d{4}$/,
    figures: { surface: 'fp_tokens,qat_tokens,loss_nats,inside_data' },
  },
  {
    id: 'waste',
    number: /( %|not told from 0)$/,
    figures: { waste: 'weight_bits,total_tokens,wasted_token_fraction,lower,upper' },
  },
  {
    id: 'full-precision',
    number: /^[+-]\d\.\d{4}$/,
    figures: {
      'full-precision-plane': 'parameters,total_tokens,weight_bits,perplexity_difference',
      'full-precision-curves':
        'parameters,weight_bits,total_tokens,perplexity_difference,lower,upper',
    },
  },
  {
    id: 'bits',
    query: `&${SMALL_MODEL}&memoryBytes=60KiB`,
    number: / bits?$/,
    figures: {
      'best-width':
        'memory_bytes,compute_flops,best_weight_bits,loss_nats,probability_1_bits,' +
        'probability_2_bits,probability_3_bits,probability_4_bits',
      'width-probability': 'memory,memory_bytes,weight_bits,probability_best',
      memory: MEMORY_COLUMNS,
    },
  },
];
